import { BASE, pattern } from '../support/rdma-pair.js';
import { failureOf } from './failure-of.js';
import { dontneedUnderWrite, faulty, tracedPair, writeThenFsync } from './stories.js';

describe('toInvalidateBefore, of a page', () => {
  it('holds when the start of an invalidation has returned before', () => {
    const { trace } = writeThenFsync();
    const page = trace.page(BASE);
    expect(page).toInvalidateBefore(page.first('folio_start_writeback'));
    expect(page).toInvalidateBefore(page.span('writeback'), { event: 'PROTECTION_PAGE' });
    expect(page).not.toInvalidateBefore(page.span('writeback'), { event: 'UNMAP' });
    expect(page).not.toInvalidateBefore(page.range().returned);
  });

  it('shows the invalidation that comes too late', () => {
    const { trace } = writeThenFsync();
    const page = trace.page(BASE);
    const message = failureOf(() => expect(page).toInvalidateBefore(page.span('folio_mkclean')));
    expect(message).toMatch(/^expect\(page 0x1000000000\)\.toInvalidateBefore\(folio_mkclean\)$/m);
    expect(message).toMatch(/^The start of no invalidation had returned by then\.$/m);
    expect(message).toMatch(/this > .*folio_mkclean[^]*start > .*range_start MMU_NOTIFY[^]*returned > .*returns/);
  });

  it('says that there is none', () => {
    const { trace } = writeThenFsync();
    const assertion = (): void =>
      expect(trace.page(BASE)).toInvalidateBefore(trace.span('writeback'), { event: 'UNMAP' });
    expect(failureOf(assertion)).toMatch(/There is no invalidation of MMU_NOTIFY_UNMAP here at all\./);
  });

  it('says of .not which one it was', () => {
    const { trace } = writeThenFsync();
    const message = failureOf(() => expect(trace.page(BASE)).not.toInvalidateBefore(trace.span('writeback')));
    expect(message).toMatch(
      /not\.toInvalidateBefore[^]*had returned by then\.[^]*returned > .*MMU_NOTIFY_PROTECTION_PAGE/,
    );
  });
});

describe('toInvalidateBefore, of a device', () => {
  it('holds when it has let go of all that it had', () => {
    const { trace } = writeThenFsync();
    const device = trace.page(BASE).device('server');
    expect(device).toInvalidateBefore(trace.range().returned);
    expect(device).not.toInvalidateBefore(trace.range().start);
  });

  it('shows what it still has, and when it let go', () => {
    const { pair, trace } = tracedPair({ driver: faulty('F17') });
    pair.run(dontneedUnderWrite(pair));
    const device = trace.page(BASE).device('server');
    const range = trace.page(BASE).firstRange();
    const message = failureOf(() => expect(device).toInvalidateBefore(range.returned));
    expect(message).toMatch(/^expect\(device "server", page 0x1000000000\)\.toInvalidateBefore\(.* returns\)$/m);
    expect(message).toMatch(/^It still had 1 translation then\.$/m);
    expect(message).toMatch(/has > .*device_map server[^]*this > .* returns/);
  });

  it('says of .not that it has', () => {
    const { trace } = writeThenFsync();
    const device = trace.page(BASE).device('server');
    expect(failureOf(() => expect(device).not.toInvalidateBefore(trace.range().end))).toMatch(
      /not\.toInvalidateBefore[^]*It had let go of its translation by then\./,
    );
  });

  it('has let go of all, whichever invalidation told it to: none can be chosen', () => {
    const { trace } = writeThenFsync();
    const assertion = (): void =>
      expect(trace.page(BASE).device('server')).toInvalidateBefore(trace.range().returned, { event: 'UNMAP' });
    expect(assertion).toThrow(
      'toInvalidateBefore: of a device no invalidation is chosen (event): it must have no translation left',
    );
  });

  it('does not hold because there was nothing', () => {
    const { pair, trace } = tracedPair();
    pair.run(pair.world.kernel.store(pair.process, BASE, 1));
    expect(() => expect(trace.page(BASE).device('server')).toInvalidateBefore(trace.last('pte'))).toThrow(
      'toInvalidateBefore: device "server", page 0x1000000000 had no translation before pte: there was nothing to invalidate',
    );
  });
});

describe('toBeDrainedBefore', () => {
  it('holds of an invalidation that returns when the device is quiet', () => {
    const { pair, trace } = tracedPair();
    pair.run(dontneedUnderWrite(pair));
    const range = trace.page(BASE).range();
    expect(range).toBeDrainedBefore(range.returned);
    expect(trace.page(BASE)).toBeDrainedBefore(range.returned);
    expect(range).not.toBeDrainedBefore(trace.page(BASE).last('device_unmap'));
  });

  it('shows what is still in flight', () => {
    const { pair, trace } = tracedPair({ driver: faulty('F17') });
    pair.run(dontneedUnderWrite(pair));
    const range = trace.page(BASE).firstRange();
    const message = failureOf(() => expect(range).toBeDrainedBefore(range.returned));
    expect(message).toMatch(/Then 1 access to it is in flight\./);
    expect(message).toMatch(/in flight > .*device_write server[^]*start > .*CLEAR[^]*this > .* returns/);
    expect(failureOf(() => expect(trace.page(BASE)).toBeDrainedBefore(range.returned))).toMatch(
      /^expect\(page 0x1000000000\)\.toBeDrainedBefore\(.*\)\n\n1 access is in flight then\./,
    );
  });

  it('shows who still holds it', () => {
    const { pair, trace } = tracedPair();
    pair.run(dontneedUnderWrite(pair));
    const range = trace.range();
    expect(failureOf(() => expect(range).toBeDrainedBefore(trace.page(BASE).last('device_unmap')))).toMatch(
      /Then "odp" still holds it\.[^]*held > .*hold "odp"/,
    );
  });

  it('says of .not that it was', () => {
    const { trace } = writeThenFsync();
    const range = trace.range();
    expect(failureOf(() => expect(range).not.toBeDrainedBefore(range.returned))).toMatch(
      /By then nobody held it, and no access to it was in flight\.[^]*last access > .*device_write/,
    );
    expect(failureOf(() => expect(trace.page(BASE)).not.toBeDrainedBefore(range.returned))).toMatch(
      /By then no access was in flight\./,
    );
  });

  it('does not hold because there was nothing to drain, or the event comes before', () => {
    const { pair, trace } = tracedPair();
    pair.run(pair.world.kernel.store(pair.process, BASE, 1));
    pair.run(pair.world.kernel.madviseDontneed(pair.process, BASE, 4096));
    const range = trace.range();
    expect(() => expect(range).toBeDrainedBefore(range.end)).toThrow(
      'toBeDrainedBefore: no device had an access to its 1 page before, of invalidation MMU_NOTIFY_CLEAR ' +
        '[0x1000000000, 0x1000001000): there was nothing to drain',
    );
    expect(() => expect(range).toBeDrainedBefore(trace.first('page_mkwrite'))).toThrow(
      'toBeDrainedBefore: page_mkwrite comes before the start of invalidation MMU_NOTIFY_CLEAR',
    );
    expect(() => expect(trace.page(BASE)).not.toBeDrainedBefore(range.end)).toThrow(
      'toBeDrainedBefore: page 0x1000000000 had no access before mmu_notifier_invalidate_range_end: there was nothing to drain',
    );
  });

  it('counts only what was issued before the start returned', () => {
    const { pair, trace } = tracedPair();
    pair.run(
      (function* () {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(64));
        yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
        yield* pair.write(region, 0, pattern(64));
      })(),
    );
    const range = trace.page(BASE).firstRange();
    expect(range).toBeDrainedBefore(trace.page(BASE).last('device_write'));
  });
});
