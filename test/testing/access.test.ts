import { traceOf } from '../../src/testing/index.js';
import { BASE } from '../support/rdma-pair.js';
import { failureOf } from './failure-of.js';
import { dontneedUnderWrite, faulty, tracedPair, writeThenFsync } from './stories.js';

describe('toHaveNoAccessBetween', () => {
  it('holds of a right driver: nothing is issued, and nothing lands', () => {
    const { pair, trace } = tracedPair();
    pair.run(dontneedUnderWrite(pair));
    const range = trace.page(BASE).range({ event: 'CLEAR' });
    expect(trace.page(BASE)).toHaveNoAccessBetween(range.returned, range.end);
    expect(trace).toHaveNoAccessBetween(range.returned, range.end);
  });

  it('finds what is in flight when a driver returns too early, and shows it', () => {
    const { pair, trace } = tracedPair({ driver: faulty('F17') });
    pair.run(dontneedUnderWrite(pair));
    const page = trace.page(BASE);
    const range = page.firstRange({ event: 'CLEAR' });
    const message = failureOf(() => expect(page).toHaveNoAccessBetween(range.returned, range.end));
    expect(message).toMatchInlineSnapshot(`
      "expect(page 0x1000000000).toHaveNoAccessBetween(mmu_notifier_invalidate_range_start returns, mmu_notifier_invalidate_range_end)

      There is 1 access issued before and still in flight.

        in flight > 661.179 us  device_write server [0x1000000000, 0x1000001000) pfn 0x1 (mm of server)
                    661.244 us  mmu_notifier_invalidate_range_start MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)
                    661.244 us  invalidate "faulty-f17" seq 3 MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)
             from > 661.244 us  mmu_notifier_invalidate_range_start returns MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)
                    661.244 us  pte 0x1000000000: pfn 0x1 rw dirty young -> none (mm of server)
                    661.244 us  folio_mark_dirty data page 0 pfn 0x1
                    661.244 us  mmu_notifier_arch_invalidate_secondary_tlbs [0x1000000000, 0x1000001000) (mm of server)
               to > 661.244 us  mmu_notifier_invalidate_range_end MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)"
    `);
  });

  it('finds accesses between, of whatever stretch', () => {
    const { trace } = writeThenFsync();
    const page = trace.page(BASE);
    const [from, to] = [trace.first('post_send'), trace.first('send_completion')];
    const message = failureOf(() => expect(page).toHaveNoAccessBetween(from, to));
    expect(message).toMatch(/^There is 1 access issued between the two\.$/m);
    expect(message).toMatch(
      /^ {2}access > \d+\.\d{3} us {2}device_write server \[0x1000000000, 0x1000000040\) pfn 0x1/m,
    );
    expect(page).not.toHaveNoAccessBetween(from, to);
  });

  it('says of .not that there was none', () => {
    const { trace } = writeThenFsync();
    const range = trace.range();
    expect(failureOf(() => expect(trace.page(BASE)).not.toHaveNoAccessBetween(range.returned, range.end))).toMatch(
      /^expect\(page 0x1000000000\)\.not\.toHaveNoAccessBetween\(.*\)\n\nNo access was issued between the two, and none was/,
    );
  });

  it('does not hold because an end never came', () => {
    const { pair, trace } = tracedPair();
    pair.run(pair.register());
    const { notifiers } = pair.process.mm;
    notifiers.invalidateRangeStart('CLEAR', BASE + 2 ** 30, BASE + 2 ** 30 + 4096);
    const range = trace.range();
    expect(() => expect(trace).toHaveNoAccessBetween(range.returned, range.end)).toThrow(
      'invalidation MMU_NOTIFY_CLEAR [0x1040000000, 0x1040001000) has no end in this trace',
    );
  });

  it('does not hold because the device never came, or none is watched, or the stretch is none', () => {
    const { pair, trace } = writeThenFsync();
    const range = trace.range();
    function unused(): void {
      pair.run(pair.world.kernel.store(pair.process, BASE + 4096, 1));
      expect(trace.page(BASE + 4096)).toHaveNoAccessBetween(range.returned, range.end);
    }
    expect(unused).toThrow(
      'toHaveNoAccessBetween: server had no access to this page 0x1000001000 at all, so this would hold anyway',
    );
    const blind = traceOf(pair.world);
    pair.run(pair.world.kernel.madviseDontneed(pair.process, BASE, 4096));
    expect(() => expect(blind).toHaveNoAccessBetween(blind.range().returned, blind.range().end)).toThrow(
      'toHaveNoAccessBetween: no device is watched, so no access is seen: trace.watch(observeNic(nic))',
    );
    expect(() => expect(trace).toHaveNoAccessBetween(range.end, range.returned)).toThrow(
      /nothing is between the two events, as the second comes first\n\n[^]*to > .* returns[^]*from > .*_end/,
    );
  });
});

describe('toHaveNoWriteBetween', () => {
  it('lets the device read', () => {
    const { pair, trace } = tracedPair();
    pair.run(
      (function* () {
        const region = yield* pair.register();
        yield* pair.write(region, 0, Uint8Array.of(1));
        yield* pair.read(region, 0, 64);
      })(),
    );
    const page = trace.page(BASE);
    const [from, to] = [trace.first('send_completion'), trace.last('send_completion')];
    expect(page).toHaveNoWriteBetween(from, to);
    expect(page).not.toHaveNoAccessBetween(from, to);
    expect(failureOf(() => expect(page).not.toHaveNoWriteBetween(from, to))).toMatch(/^No write was issued between/m);
    expect(failureOf(() => expect(page).toHaveNoWriteBetween(trace.first('post_send'), to))).toMatch(
      /^expect\(page 0x1000000000\)\.toHaveNoWriteBetween\(post_send, send_completion\)\n\nThere is 1 access issued/,
    );
  });
});
