import type { MmStruct } from '../../src/mm/index.js';
import { traceOf, type WatchedTrace } from '../../src/testing/index.js';
import type { InvalidateRange } from '../../notifiers/index.js';
import { DeviceWatchers, type AccessVisitor, type ObservedDevice } from '../../devices/contract/index.js';
import { BASE, Machine } from '../support/machine.js';

type Access = Parameters<AccessVisitor>;

/** A bus that does what it is told, and nothing by itself. */
class Bus implements ObservedDevice {
  readonly name = 'bus';
  readonly driverName = 'bus';
  readonly cookie = null;
  readonly inFlight: Access[] = [];
  private readonly watchers = new DeviceWatchers();

  watch(watcher: Parameters<ObservedDevice['watch']>[0]): void {
    this.watchers.add(watcher);
  }

  issue(...access: Access): void {
    this.watchers.accessed(...access);
    this.inFlight.push(access);
  }

  /** The one that was issued first lands. */
  land(which = 0): void {
    this.inFlight.splice(which, 1);
  }

  forEachTranslation(): void {
    // It has none.
  }

  forEachInFlight(visit: AccessVisitor): void {
    for (const access of this.inFlight) visit(...access);
  }
}

interface TwoWrites {
  readonly mm: MmStruct;
  readonly bus: Bus;
  readonly trace: WatchedTrace;
  readonly range: InvalidateRange;
}

describe('accesses that are alike', () => {
  /** A write before an invalidation, and another one to the same bytes within it. */
  function twoWrites(frames: readonly [before: number, within: number]): TwoWrites {
    const machine = new Machine({ rules: false });
    const { mm } = machine;
    const bus = new Bus();
    const trace = traceOf(machine).watch(bus);
    bus.issue(mm, BASE, 64, frames[0], 0, true);
    const range = mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
    bus.issue(mm, BASE, 64, frames[1], 0, true);
    return { mm, bus, trace, range };
  }

  it('are two: one that is in flight since before is not taken for the later one', () => {
    const { mm, trace, range } = twoWrites([1, 1]);
    mm.notifiers.invalidateRangeEnd(range);
    expect(trace.range()).not.toBeDrainedBefore(trace.range().end);
  });

  it('land in the order in which they were issued', () => {
    const { mm, bus, trace, range } = twoWrites([1, 1]);
    bus.land();
    mm.notifiers.invalidateRangeEnd(range);
    expect(trace.range()).toBeDrainedBefore(trace.range().end);
  });

  it('are told apart by their frames: the late one may be the one to a page that is gone', () => {
    const { mm, bus, trace, range } = twoWrites([1, 2]);
    bus.land(1);
    mm.notifiers.invalidateRangeEnd(range);
    expect(trace.range()).not.toBeDrainedBefore(trace.range().end);
  });
});

it('holds of two invalidations that are alike, at one instant, end each with its own release', () => {
  const machine = new Machine({ rules: false });
  const { notifiers } = machine.mm;
  const holds: { release(): void }[] = [];
  const subscription = notifiers.insertInterval(BASE, 4096, {
    name: 'driver',
    invalidate: (range, seq) => {
      subscription.setSeq(seq);
      holds.push(range.hold('driver'));
    },
  });
  const trace = traceOf(machine);
  const ranges = [0, 1].map(() => notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096));
  holds[0].release();
  holds[1].release();
  for (const range of ranges) notifiers.invalidateRangeEnd(range);
  expect(trace.spans('hold').map(({ start, end }) => [start.range, end.range])).toEqual(
    ranges.map((range) => [range, range]),
  );
});
