import { US } from '../../src/engine/index.js';
import type { NotifierStream } from '../../src/testing/index.js';
import { failureOf } from './failure-of.js';
import { announcing, pageRange, twoInvalidations } from './stories.js';

const frame = 1 * US;

describe('toMatchMarbles', () => {
  it('draws starts and ends on virtual time', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(stream).toMatchMarbles('--(S1 E1)-S2--E2|', { frame });
    expect(stream).not.toMatchMarbles('--(S1 E1)--S2--E2|', { frame });
  });

  it('says which invalidations are meant', () => {
    const stream = announcing(twoInvalidations).notifier();
    const [start, end] = pageRange(2);
    expect(stream).toMatchMarbles('--(S1 E1)-S2--E2|', {
      frame,
      S1: { event: 'CLEAR', page: 0x1000 },
      S2: { event: 'UNMAP', start, end, mm: 'mm of app', blockable: true },
    });
    expect(
      failureOf(() => expect(stream).toMatchMarbles('--(S1 E1)-S2--E2|', { frame, S2: { event: 'CLEAR' } })),
    ).toMatch(/^S2 is MMU_NOTIFY_UNMAP, not MMU_NOTIFY_CLEAR\.$/m);
    expect(failureOf(() => expect(stream).toMatchMarbles('--(S1 E1)|', { frame, S1: { page: 0x7000 } }))).toMatch(
      /^S1 is \[0x1000, 0x2000\), without page 0x7000\.$/m,
    );
  });

  it('has stretches of time, as RxJS does', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(stream).toMatchMarbles('2us (S1 E1) 1us S2 2us E2', { frame });
    expect(stream).toMatchMarbles('2us (S1 E1) 6.994us S2 3.998us E2|', { frame: 1 });
  });

  it('has the return of a start where the diagram has one', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(stream).toMatchMarbles('2us (S1 R1 E1) 6.2us (S2 R2)', { frame: 100 });
    expect(stream).not.toMatchMarbles('--(S1 E1)-S2R2E2|', { frame });
  });

  it('has refusals', () => {
    const trace = announcing(function* (notifiers) {
      notifiers.register({
        name: 'never',
        invalidateRangeStart: (range) => {
          if (!range.blockable) range.refuse('never');
        },
      });
      yield 3 * US;
      notifiers.invalidateRangeStartNonblock('UNMAP', ...pageRange(1));
      yield 3 * US;
      notifiers.invalidateRangeEnd(notifiers.invalidateRangeStart('UNMAP', ...pageRange(1)));
    });
    expect(trace.notifier()).toMatchMarbles('---(S1 X1)(S2 E2)|', {
      frame: 500,
      from: 1500,
      S1: { blockable: false },
    });
    expect(trace.ranges().map(({ refused }) => refused)).toEqual([true, false]);
    expect(() => trace.firstRange().returned).toThrow(/was refused: entries stay as they are/);
    expect(() => trace.firstRange().end).toThrow(/was refused, and has no end/);
  });

  it('knows which end is whose', () => {
    const stream = announcing(function* (notifiers) {
      const first = notifiers.invalidateRangeStart('CLEAR', ...pageRange(1));
      yield 2 * US;
      const second = notifiers.invalidateRangeStart('CLEAR', ...pageRange(2));
      yield 2 * US;
      notifiers.invalidateRangeEnd(first);
      yield 2 * US;
      notifiers.invalidateRangeEnd(second);
    }).notifier();
    expect(stream).toMatchMarbles('S1S2E1E2|', { frame });
    expect(failureOf(() => expect(stream).toMatchMarbles('S1S2E2E1|', { frame }))).toMatch(
      /E2 is of another invalidation than the marbles before it say\./,
    );
  });

  it('without | says how the stream begins', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(stream).toMatchMarbles('--(S1 E1)', { frame });
    expect(failureOf(() => expect(stream).toMatchMarbles('--(S1 E1)|', { frame }))).toMatch(
      /Nothing is expected any more, and an invalidation starts in frame 9 \(9\.000 us\)\./,
    );
  });

  it('counts from where the view begins', () => {
    const trace = announcing(twoInvalidations);
    expect(trace.since(trace.ranges()[1].start).notifier()).toMatchMarbles('S1--E1|', { frame });
    expect(trace.notifier({ event: 'UNMAP' })).toMatchMarbles('9us S1 2us E1|', { frame });
  });

  it('draws what happened below what was expected, and shows where they part', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(failureOf(() => expect(stream).toMatchMarbles('--(S1 E1)--S2--E2|', { frame }))).toMatchInlineSnapshot(`
      "expect(invalidations of trace).toMatchMarbles('--(S1 E1)--S2--E2|')

      expected  --(S1 E1)--S2--E2|
      received  --(S1 E1)-S2--E2|

      S2 is expected in frame 10 (10.000 us), and happens in frame 9 (9.000 us).

                2.000 us  mmu_notifier_invalidate_range_start MMU_NOTIFY_CLEAR [0x1000, 0x2000) (mm of app)
                2.000 us  mmu_notifier_invalidate_range_end MMU_NOTIFY_CLEAR [0x1000, 0x2000) (mm of app)
        here >  9.000 us  mmu_notifier_invalidate_range_start MMU_NOTIFY_UNMAP [0x2000, 0x3000) (mm of app)
               13.000 us  mmu_notifier_invalidate_range_end MMU_NOTIFY_UNMAP [0x2000, 0x3000) (mm of app)"
    `);
  });

  it('draws in shorter frames what does not fit', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(failureOf(() => expect(stream).toMatchMarbles('S1|', { frame: 5 * US }))).toMatch(
      /^received {2}--\(S1 E1\)-S2--E2\| {3}\(in frames of 1 us\)$/m,
    );
  });

  it('says what is missing', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(failureOf(() => expect(stream).toMatchMarbles('--(S1 E1)-S2--E2 9us S3', { frame }))).toMatch(
      /^S3 is expected in frame 24 \(24\.000 us\), and nothing more happens\.$/m,
    );
    expect(failureOf(() => expect(stream).toMatchMarbles('--E1', { frame }))).toMatch(
      /^E1 is expected in frame 2 \(2\.000 us\), and an invalidation starts in frame 2 \(2\.000 us\)\.$/m,
    );
  });

  it('says of .not that that is what happened', () => {
    const stream = announcing(twoInvalidations).notifier();
    expect(failureOf(() => expect(stream).not.toMatchMarbles('--(S1 E1)-S2--E2|', { frame }))).toMatch(
      /^expect\(invalidations of trace\)\.not\.toMatchMarbles\('--\(S1 E1\)-S2--E2\|'\)[^]*That is what happened\./,
    );
  });

  it.each([
    ['--Q1', /no marble diagram at "Q1" of '--Q1': a marble is S, R, E or X/],
    ['--S', /no marble diagram at "S"/],
    ['--(S1', /no marble diagram at "\(S1"/],
    ['S1|E1', /no marble diagram at "E1"/],
    ['--#', /no marble diagram at "#"/],
    ['', /'' says nothing: it has no marble and no \|/],
  ])('%s is no diagram, with or without .not', (diagram, message) => {
    const stream = announcing(twoInvalidations).notifier();
    expect(() => expect(stream).toMatchMarbles(diagram, { frame })).toThrow(message);
    expect(() => expect(stream).not.toMatchMarbles(diagram, { frame })).toThrow(message);
  });

  it('needs a frame, and marbles that are in the diagram', () => {
    const trace = announcing(twoInvalidations);
    expect(() => expect(trace.notifier()).toMatchMarbles('S1|', { frame: 0 })).toThrow(
      'a marble diagram needs the length of a frame, { frame: 1 * US }, not 0',
    );
    expect(() => expect(trace.notifier()).toMatchMarbles('S1|', { frame, S3: { event: 'CLEAR' } })).toThrow(
      'toMatchMarbles: "S3" is no marble of \'S1|\'',
    );
    expect(() => expect(trace as unknown as NotifierStream).toMatchMarbles('S1|', { frame })).toThrow(
      'toMatchMarbles is asked of a stream of invalidations: trace.notifier(); this is of WatchedTrace',
    );
  });
});
