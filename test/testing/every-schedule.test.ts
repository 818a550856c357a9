import { SmallMachine, type Scenario } from '../../src/check/index.js';
import { traceOf, type TraceView } from '../../src/testing/index.js';
import { pluggedIn, type DriverPlugin } from '../../devices/contract/index.js';
import { mirror } from '../../devices/mirror/index.js';
import { odp } from '../../devices/odp/index.js';
import { failureOf } from './failure-of.js';

type Range = ReturnType<ReturnType<typeof traceOf>['range']>;

interface Options {
  /** What takes the page from the device. */
  readonly call?: 'madviseDontneed' | 'munmap';
  /** False for a device that does nothing. */
  readonly writes?: boolean;
}

/** A device writes a page that a call takes; what is asked of the page's trace, and of the invalidation? */
function dropped(
  plugin: DriverPlugin,
  ask: (page: TraceView, range: Range) => void,
  { call = 'madviseDontneed', writes = true }: Options = {},
): Scenario {
  return (stage) => {
    const machine = new SmallMachine(stage);
    const { kernel, process } = machine;
    const start = machine.address(0);
    const device = machine.plugIn(pluggedIn(plugin), 'gpu');
    machine.mapAnon(1);
    machine.before('open', device.register(process.mm, start, 4096));
    const trace = traceOf(kernel.mm).watch(device.observed);
    if (writes) machine.device('write', device.access('write', start, 64));
    machine.systemCall('madvise', kernel[call](process, start, 4096));
    return () => {
      const page = trace.page(start);
      ask(page, page.range({ event: call === 'munmap' ? 'UNMAP' : 'CLEAR' }));
      return undefined;
    };
  };
}

describe.each([odp, mirror])('a trace on a small machine: $manifest.name', (plugin) => {
  it('shows an order that holds in every schedule', () => {
    const scenario = dropped(plugin, (page, range) => {
      expect(page).toHaveNoAccessBetween(range.returned, range.end);
    });
    expect(scenario).toHoldInEverySchedule();
  });

  it('shows the schedule in which one does not', () => {
    const scenario = dropped(plugin, (page, range) => {
      expect(page.last('device_write')).toHappenBefore(range.start);
    });
    for (const search of ['dpor', 'naive'] as const) {
      const message = failureOf(() => expect(scenario).toHoldInEverySchedule({ search }));
      expect(message).toMatch(/\| *madvise:|^ +\d+ {2}madvise:/m);
      expect(message).toContain('toHappenBefore(mmu_notifier_invalidate_range_start)');
    }
  });

  it('holds though the device is late in some schedules, and has no access at all', () => {
    const ask = (page: TraceView, range: Range): void => {
      expect(page).toHaveNoAccessBetween(range.returned, range.end);
    };
    expect(dropped(plugin, ask, { call: 'munmap' })).toHoldInEverySchedule();
  });

  it('does not hold if the device has none in any schedule: that would hold anyway', () => {
    const ask = (page: TraceView, range: Range): void => {
      expect(page).toHaveNoAccessBetween(range.returned, range.end);
    };
    const message = failureOf(() => expect(dropped(plugin, ask, { writes: false })).toHoldInEverySchedule());
    expect(message).toContain('In no schedule was there anything to ask: these would hold anyway.');
    expect(message).toMatch(/toHaveNoAccessBetween: gpu had no access to this page 0x[0-9a-f]+ at all/);
  });
});

describe('an assertion with nothing to ask in any schedule', () => {
  /** The device writes a page that madvise takes; another page, which it never wanted, goes by munmap. */
  const twoCalls =
    (ask: (page: Range, other: Range) => void): Scenario =>
    (stage) => {
      const machine = new SmallMachine(stage);
      const { kernel, process } = machine;
      const [start, other] = [machine.address(0), machine.address(1)];
      const device = machine.plugIn(pluggedIn(odp), 'gpu');
      machine.mapAnon(2);
      machine.before('open', device.register(process.mm, start, 4096));
      const trace = traceOf(kernel.mm).watch(device.observed);
      machine.device('write', device.access('write', start, 64));
      machine.systemCall('madvise', kernel.madviseDontneed(process, start, 4096));
      machine.systemCall('munmap', kernel.munmap(process, other, 4096));
      return () => {
        ask(trace.range({ event: 'CLEAR' }), trace.range({ event: 'UNMAP' }));
        return undefined;
      };
    };

  it('is found though another one, which reads the same, has something to ask', () => {
    const scenario = twoCalls((page, other) => {
      expect(page).toBeDrainedBefore(page.returned);
      expect(other).toBeDrainedBefore(other.returned);
    });
    const message = failureOf(() => expect(scenario).toHoldInEverySchedule());
    expect(message).toContain('In no schedule was there anything to ask: these would hold anyway.');
    expect(message).toMatch(/no device had an access to its 1 page before, of invalidation MMU_NOTIFY_UNMAP/);
    expect(message).not.toContain('MMU_NOTIFY_CLEAR');
  });

  it('is named once, whichever schedules it was made in', () => {
    const scenario = twoCalls((_page, other) => {
      expect(other).toBeDrainedBefore(other.returned);
    });
    const message = failureOf(() => expect(scenario).toHoldInEverySchedule());
    expect(message.match(/there was nothing to drain/g)).toHaveLength(1);
  });

  it('is found where a helper makes both', () => {
    const drained = (range: Range): void => {
      expect(range).toBeDrainedBefore(range.returned);
    };
    const scenario = twoCalls((page, other) => {
      drained(page);
      drained(other);
    });
    expect(() => expect(scenario).toHoldInEverySchedule()).toThrow(/MMU_NOTIFY_UNMAP/);
  });

  it('is one in a loop: it asks something of one of them', () => {
    const scenario = twoCalls((page, other) => {
      for (const range of [page, other]) expect(range).toBeDrainedBefore(range.returned);
    });
    expect(scenario).toHoldInEverySchedule();
  });
});

it('a scenario without a task holds in no schedule: there is none', () => {
  const message = failureOf(() => expect(() => undefined).toHoldInEverySchedule());
  expect(message).toContain('The scenario has no task: nothing was explored.');
});
