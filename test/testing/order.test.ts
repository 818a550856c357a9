import type { Task } from '../../src/engine/index.js';
import type { MmuNotifiers } from '../../notifiers/index.js';
import { failureOf } from './failure-of.js';
import { announcing, pageRange, twoInvalidations, writeThenFsync } from './stories.js';

/** One invalidation inside another, and one that begins in it and ends behind it. */
function* nestedAndOverlapping(notifiers: MmuNotifiers): Task {
  const outer = notifiers.invalidateRangeStart('UNMAP', ...pageRange(1));
  yield 1000;
  const inner = notifiers.invalidateRangeStart('CLEAR', ...pageRange(1));
  yield 1000;
  notifiers.invalidateRangeEnd(inner);
  const late = notifiers.invalidateRangeStart('MIGRATE', ...pageRange(1));
  yield 1000;
  notifiers.invalidateRangeEnd(outer);
  yield 1000;
  notifiers.invalidateRangeEnd(late);
}

describe('toHappenBefore', () => {
  it('compares events, and spans from end to start', () => {
    const trace = announcing(twoInvalidations);
    const [first, second] = trace.ranges();
    expect(first).toHappenBefore(second);
    expect(second).not.toHappenBefore(first);
    expect(first.start).toHappenBefore(first.end);
    expect(first.start).not.toHappenBefore(first.start);
  });

  it('knows the order of what happens at one instant', () => {
    const { trace } = writeThenFsync();
    const range = trace.range();
    expect(range.returned.time).toBe(trace.last('pte').time);
    expect(range.returned).toHappenBefore(trace.last('pte'));
  });

  it('shows the two events and little else', () => {
    const { trace } = writeThenFsync();
    const [start, writeback] = [trace.range().start, trace.first('folio_start_writeback')];
    expect(failureOf(() => expect(writeback).toHappenBefore(start)).split('\n')).toEqual([
      'expect(folio_start_writeback).toHappenBefore(mmu_notifier_invalidate_range_start)',
      '',
      'The first comes after the second.',
      '',
      expect.stringMatching(/^ {11}659\.944 us {2}folio_mkclean data page 0$/),
      expect.stringMatching(
        /^ {2}second > 659\.944 us {2}mmu_notifier_invalidate_range_start MMU_NOTIFY_PROTECTION_PAGE/,
      ),
      expect.stringMatching(/invalidate "odp" seq 3/),
      '           … 9 more',
      expect.stringMatching(/folio_mark_dirty data page 0/),
      expect.stringMatching(/^ {3}first > 676\.944 us {2}folio_start_writeback data page 0$/),
      expect.stringMatching(/folio_end_writeback/),
    ]);
  });

  it('says of .not that it does', () => {
    const [first, second] = announcing(twoInvalidations).ranges();
    const message = failureOf(() => expect(first).not.toHappenBefore(second));
    expect(message).toMatch(
      /^expect\(invalidation\)\.not\.toHappenBefore\(invalidation\)\n\nThe first comes before the second/,
    );
  });

  it('is not asked of two traces, of what has no end, or of something else', () => {
    const [one, other] = [announcing(twoInvalidations), announcing(twoInvalidations)];
    expect(() => expect(one.first('mmu_notifier_invalidate_range_start')).toHappenBefore(other.ranges()[0])).toThrow(
      'toHappenBefore: the events are of different traces, which have no order',
    );
    const open = announcing(function* (notifiers) {
      notifiers.invalidateRangeStart('CLEAR', ...pageRange(1));
    });
    expect(() => expect(open.range()).toHappenBefore(open.range())).toThrow(
      'invalidation MMU_NOTIFY_CLEAR [0x1000, 0x2000) has no end in this trace',
    );
    const anything: never = 'page_mkwrite' as never;
    expect(() => expect(open.range()).not.toHappenBefore(anything)).toThrow(
      'toHappenBefore needs an event or a span: trace.first(name), trace.range(…); this is page_mkwrite',
    );
  });
});

describe('toEnclose and toNestIn', () => {
  it('say the same of two spans, from either side', () => {
    const [outer, inner, late] = announcing(nestedAndOverlapping).ranges();
    expect(outer).toEnclose(inner);
    expect(inner).toNestIn(outer);
    expect(outer).not.toEnclose(late);
    expect(late).not.toNestIn(outer);
    expect(outer).toEnclose(inner.end);
    expect(outer).not.toEnclose(outer);
  });

  it('say on which side the inner one is outside', () => {
    const [outer, inner, late] = announcing(nestedAndOverlapping).ranges();
    expect(failureOf(() => expect(outer).toEnclose(late))).toMatch(
      /The outer one ends too early\.[^]*outer > 3\.000 us/,
    );
    expect(failureOf(() => expect(outer).toNestIn(inner))).toMatch(/The outer one begins too late\./);
  });

  it('say of .not that it is inside', () => {
    const [outer, inner] = announcing(nestedAndOverlapping).ranges();
    expect(failureOf(() => expect(inner).not.toNestIn(outer))).toMatch(
      /^expect\(invalidation\)\.not\.toNestIn\(invalidation\)\n\nThe outer one begins before and ends after\./,
    );
    expect(failureOf(() => expect(outer).not.toEnclose(inner))).toMatch(/not\.toEnclose/);
  });
});

describe('toOverlap', () => {
  it('holds of spans that are under way at one time', () => {
    const [outer, inner, late] = announcing(nestedAndOverlapping).ranges();
    expect(outer).toOverlap(late);
    expect(outer).toOverlap(inner);
    expect(inner).not.toOverlap(late);
  });

  it('shows both', () => {
    const [outer, inner, late] = announcing(nestedAndOverlapping).ranges();
    expect(failureOf(() => expect(inner).toOverlap(late))).toMatch(
      /One has ended when the other begins\.[^]*first > 1\.000[^]*first > 2\.000[^]*second > 2\.000[^]*second > 4\.000/,
    );
    expect(failureOf(() => expect(outer).not.toOverlap(late))).toMatch(/Each begins before the other has ended\./);
  });
});
