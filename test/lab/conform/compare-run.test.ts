import { compareRun } from '../../../src/lab/conform/compare-run.js';
import type { Level } from '../../../src/lab/conform/index.js';
import {
  parseProgram,
  recordRun,
  runProgram,
  withImplicitExit,
  type RecordedEvent,
  type Recording,
} from '../../../src/lab/program/index.js';

const ops = withImplicitExit(
  parseProgram(
    [
      'map name=m kind=ext4 share=shared prot=rw pages=16',
      'mr name=a map=m first=0 pages=16',
      'mr name=b map=m first=0 pages=16',
      'rdma_write mr=a page=1,2 value=3',
      'fsync map=m',
      'cpu_read map=m page=5',
    ].join('\n'),
  ),
);
const run = runProgram(ops);
const recording = recordRun('0001-ext4', ops, run);

/** The levels at which the run differs from a recording, and where each does first. */
function differences(changed: Recording): Partial<Record<Level, number>> {
  const { levels } = compareRun(changed, run);
  return Object.fromEntries(
    Object.entries(levels).flatMap(([level, { first }]) => (first === null ? [] : [[level, first.step]])),
  );
}

/** The recording with the events of one step changed. */
function withEvents(step: number, change: (events: readonly RecordedEvent[]) => readonly RecordedEvent[]): Recording {
  const steps = recording.steps.map((one, i) => (i === step ? { ...one, events: change(one.events) } : one));
  return { ...recording, steps };
}

function without(kind: string): (events: readonly RecordedEvent[]) => readonly RecordedEvent[] {
  return (events) => events.filter((event) => event.kind !== kind);
}

describe('a comparison', () => {
  it('agrees with a recording of the same, at every level', () => {
    expect(differences(recording)).toEqual({});
  });

  it.each<[string, number, Partial<Record<Level, number>>]>([
    ['invalidate_end', 4, { L1: 4 }],
    ['nic_unmap', 4, { L2: 4 }],
    ['folio_mkclean', 4, { L3: 4, L3R: 4 }],
    ['page_mkwrite', 3, { L3: 3, L3R: 3 }],
    ['arch_invalidate_secondary_tlbs', 4, { T: 4 }],
    ['odp_fault', 3, { L2: 3 }],
    ['mm_release', 6, {}],
  ])('sees that %s is missing where it counts', (kind, step, expected) => {
    expect(differences(withEvents(step, without(kind)))).toEqual(expected);
  });

  it('does not look at who did it, nor at the order of regions within one start', () => {
    const swapped = withEvents(4, (events) => {
      const device = events.filter(({ kind }) => kind.startsWith('nic_')).slice(0, 4);
      const rest = [...device.slice(2), ...device.slice(0, 2)];
      return events.map((event) => ({ ...(device.includes(event) ? (rest.shift() ?? event) : event), by: 'somebody' }));
    });
    expect(differences(swapped)).toEqual({});
  });

  it('compares results and final contents at L4', () => {
    const steps = recording.steps.map((step) => (step.do.op === 'cpu_read' ? { ...step, result: { value: 9 } } : step));
    expect(differences({ ...recording, steps })).toEqual({ L4: 5 });
    const final = { m: { ...recording.final.m, disk: recording.final.m.disk?.map(() => 0) ?? [] } };
    expect(differences({ ...recording, final })).toEqual({ L4: recording.steps.length });
  });

  it('looks at lists that were cut as far as they go', () => {
    const file = {
      size: 4096 * 100,
      cache_diff: [
        [0, 3, 1],
        [3, 2, 2],
        [9, 1, 4],
      ],
      disk_diff: [[0, 3, 1]],
    } as const;
    const long = { ...run, final: { m: file } };
    const cut = {
      size: file.size,
      cache_diff: [
        [0, 3, 1],
        [3, 2, 2],
      ],
      disk_diff: [[0, 3, 1]],
      cut: true,
    } as const;
    expect(compareRun({ ...recording, final: { m: cut } }, long).levels.L4?.first).toBeNull();
    expect(compareRun({ ...recording, final: { m: { ...cut, cut: false } } }, long).levels.L4?.first).not.toBeNull();
  });

  it('leaves out what two runs of the kernel disagreed about', () => {
    const unstable = { ...recording, unstable: ['L1', 'P'], t_unstable: true };
    expect(Object.keys(compareRun(unstable, run).levels)).toEqual(['L2', 'L3', 'L4', 'L3R']);
  });

  it('counts what a run did not come to as different', () => {
    const stopped = {
      ...run,
      steps: run.steps.slice(0, 4),
      stopped: { step: 4, reason: 'op fsync is not modelled', modelled: false },
    };
    const { levels } = compareRun(recording, stopped);
    expect(levels.L1?.first).toMatchObject({ step: 4, actual: ['not reached: op fsync is not modelled'] });
    expect(levels.L1?.agreeing).toBe(4);
  });
});
