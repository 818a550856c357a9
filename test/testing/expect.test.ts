import { expect as imported } from '@jest/globals';
import { extendExpect, type TraceMatchers, type TraceView, type Span } from '../../src/testing/index.js';
import { announcing, twoInvalidations } from './stories.js';

describe('the matchers', () => {
  it('are those of the global expect, and of that of @jest/globals', () => {
    const [first, second] = announcing(twoInvalidations).ranges();
    expect(first).toHappenBefore(second);
    imported(first).toHappenBefore(second);
    imported(second).not.toHappenBefore(first);
  });

  it('are given to whatever expect is handed over', () => {
    const given: string[] = [];
    extendExpect({
      extend: (matchers: object) => {
        given.push(...Object.keys(matchers));
      },
    });
    expect(given.sort()).toEqual([
      'toBeDrainedBefore',
      'toBreakRule',
      'toEnclose',
      'toHappenBefore',
      'toHaveNoAccessBetween',
      'toHaveNoWriteBetween',
      'toHoldInEverySchedule',
      'toInvalidateBefore',
      'toKeepTheRules',
      'toMatchMarbles',
      'toNestIn',
      'toOverlap',
    ]);
  });

  it('are typed by what is expected of: the compiler refuses the others', () => {
    type Callable<Subject, Matcher extends keyof TraceMatchers<void, Subject>> = TraceMatchers<
      void,
      Subject
    >[Matcher] extends (...args: never[]) => void
      ? true
      : false;
    const spans: Callable<Span, 'toEnclose'> = true;
    const views: Callable<TraceView, 'toHaveNoAccessBetween'> = true;
    // @ts-expect-error -- a number has no order
    const numbers: [TraceMatchers<void, number>['toHappenBefore']] extends [never] ? false : true = true;
    expect([spans, views, numbers]).toEqual([true, true, true]);
    const trace = announcing(twoInvalidations);
    const { end } = trace.firstRange();
    // @ts-expect-error -- "between" needs two events
    expect(() => expect(trace).toHaveNoAccessBetween(end)).toThrow(/needs an event/);
    // @ts-expect-error -- there is no such event of mmu notifiers
    expect(() => trace.ranges({ event: 'CLAER' })).toThrow('no invalidation is for "CLAER"; there are UNMAP, CLEAR, ');
  });

  it('say of what they are asked if that is something else', () => {
    const trace = announcing(twoInvalidations);
    const event = trace.first('mmu_notifier_invalidate_range_start');
    const view = 7 as unknown as TraceView;
    expect(() => expect(view).not.toHaveNoAccessBetween(event, event)).toThrow(
      'toHaveNoAccessBetween is asked of a trace or a part of it: traceOf(world), trace.page(address); this is 7',
    );
    expect(() => expect(event as unknown as Span).toEnclose(event)).toThrow(
      'toEnclose needs a span: trace.range(…), trace.span(name); this is of TracedEvent',
    );
  });
});
