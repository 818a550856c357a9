import { hmmScenario } from './hmm-scenario.js';
import type { Task } from '../../src/engine/index.js';
import { traceOf, type WatchedTrace } from '../../src/testing/index.js';
import { observeNic } from '../../devices/nic/index.js';
import { BASE, RdmaPair, pattern } from '../support/rdma-pair.js';
import { HmmSelftest, SHARED, WRITE } from '../devices/mirror/hmm-selftest.js';

/** How a test author uses the kit: docs/testing.md says more. */
describe('the author of a driver for a NIC with on-demand paging', () => {
  /** A client writes to a page of a server's file, and the server calls fsync. */
  function writeThenFsync(): { readonly pair: RdmaPair; readonly trace: WatchedTrace } {
    const pair = new RdmaPair();
    const trace = traceOf(pair.world).watch(observeNic(pair.server));
    function* story(): Task {
      const region = yield* pair.register();
      yield* pair.write(region, 0, pattern(64));
      yield* pair.world.kernel.fsync(pair.inode);
    }
    pair.run(story());
    return { pair, trace };
  }

  it('asks whether the device touches a page after invalidate_range_start has returned', () => {
    const { trace } = writeThenFsync();
    const page = trace.page(BASE);
    const range = page.range({ event: 'PROTECTION_PAGE' });
    expect(page).toHaveNoAccessBetween(range.returned, range.end);
    expect(range).toBeDrainedBefore(range.returned);
  });

  it('asks whether the page is read-only before it is under writeback, and stays as it is meanwhile', () => {
    const { trace } = writeThenFsync();
    const page = trace.page(BASE);
    const writeback = page.span('writeback');
    expect(page).toInvalidateBefore(writeback, { event: 'PROTECTION_PAGE' });
    expect(page.device('server')).toInvalidateBefore(writeback);
    expect(page).toHaveNoWriteBetween(writeback.start, writeback.end);
    expect(writeback).toNestIn(page.span('fsync'));
  });

  it('asks whether the kernel changes the entry only while the device is kept off', () => {
    const { trace } = writeThenFsync();
    const range = trace.range();
    expect(range.quiet).toEnclose(trace.since(range.start).event('pte'));
    expect(range.holds[0]).toHappenBefore(range.returned);
  });

  it('asks whether what the device has written is dirty before the kernel goes on', () => {
    const { trace } = writeThenFsync();
    const range = trace.range();
    expect(trace.page(BASE).since(range.start).first('folio_mark_dirty')).toNestIn(range.holds[0]);
  });

  it('draws when invalidations begin and end', () => {
    const { trace } = writeThenFsync();
    expect(trace.since(trace.first('fsync')).notifier()).toMatchMarbles('S1 16.6us R1E1|', {
      frame: 100,
      S1: { event: 'PROTECTION_PAGE', page: BASE },
    });
  });

  it('keeps what happens to a page in a snapshot', () => {
    const { trace } = writeThenFsync();
    expect(trace.page(BASE).since(trace.first('fsync')).words()).toMatchInlineSnapshot(`
      "fsync data
      folio_mkclean data page 0
      mmu_notifier_invalidate_range_start MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      invalidate "odp" seq 3 MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      hold "odp" MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      device_unmap server 0x1000000000 pfn 0x1 rw (mm of server)
      folio_mark_dirty data page 0 pfn 0x1
      hold released "odp" MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      mmu_notifier_invalidate_range_start returns MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      pte 0x1000000000: pfn 0x1 rw dirty young -> pfn 0x1 ro young (mm of server)
      mmu_notifier_arch_invalidate_secondary_tlbs [0x1000000000, 0x1000001000) (mm of server)
      mmu_notifier_invalidate_range_end MMU_NOTIFY_PROTECTION_PAGE [0x1000000000, 0x1000001000) (mm of server)
      folio_mkclean returns data page 0, 1 cleaned
      folio_mark_dirty data page 0 pfn 0x1
      folio_start_writeback data page 0
      folio_end_writeback data page 0
      fsync returns data, 1 folio written"
    `);
  });

  it('has the rules watch the run', () => {
    const pair = new RdmaPair();
    const trace = traceOf(pair.world, { rules: true }).watch(observeNic(pair.server));
    expect(trace).toKeepTheRules(() => pair.run(pair.register()));
  });
});

describe('the author of a device that mirrors a process', () => {
  it('asks whether the mirror lets go of a page before the kernel takes it away', () => {
    const t = new HmmSelftest();
    const trace = traceOf(t).watch(t.hmm);
    t.map(1, WRITE);
    t.deviceWrite(1, () => 7);
    t.munmap(0, 1);
    const page = trace.page(trace.first('device_write').start);
    const range = page.range({ event: 'UNMAP' });
    expect(page.device('hmm_dmirror0')).toInvalidateBefore(range.returned);
    expect(page.span('translation')).toHappenBefore(page.last('pte'));
    expect(page).toHaveNoAccessBetween(range.returned, range.end);
  });

  it('asks it of a file that is truncated', () => {
    const t = new HmmSelftest();
    const trace = traceOf(t).watch(t.hmm);
    const file = t.ext4(2);
    t.map(2, WRITE | SHARED, file);
    t.deviceWrite(2, () => 7);
    t.ftruncate(file, 4096);
    const second = trace.page(trace.first('device_write').start + 4096);
    expect(second.device('hmm_dmirror0')).toInvalidateBefore(second.firstRange().returned);
  });

  it('proves it for every schedule', () => {
    expect(hmmScenario()).toHoldInEverySchedule();
  });
});
