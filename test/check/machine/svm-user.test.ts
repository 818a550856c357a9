import { PAGE_SIZE, pageOf } from '../../../src/base/index.js';
import { SmallMachine, explore, type Scenario, type SearchName } from '../../../src/check/index.js';
import type { Task } from '../../../src/engine/index.js';
import { HMM_PFN_VALID, HMM_PFN_WRITE, hmmFrame, hmmRangeFault, type MmStruct } from '../../../src/mm/index.js';
import {
  DeviceWatchers,
  busWrite,
  devicePlugin,
  pluggedIn,
  setPageDirty,
  type AccessVisitor,
  type DeviceWatcher,
  type DriverPlugin,
  type ObservedDevice,
  type SvmContext,
  type SvmDevice,
  type TranslationVisitor,
} from '../../../devices/contract/index.js';

interface Mistakes {
  /** It tells nobody of its translations. */
  readonly silent?: boolean;
  /** It installs what it has read whatever has happened since. */
  readonly noRetry?: boolean;
  /** Its invalidation does not wait for what is in flight. */
  readonly noDrain?: boolean;
}

/** A device of one page, whose accesses land some time after they were issued. */
class OnePage implements SvmDevice, SvmContext {
  readonly driverName: string;
  readonly cookie = null;
  private readonly watchers = new DeviceWatchers();
  private mm: MmStruct | null = null;
  private entry: { readonly page: number; readonly frame: number } | null = null;
  private flying: Parameters<AccessVisitor> | null = null;
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly mistakes: Mistakes,
  ) {
    this.driverName = name;
  }

  open(mm: MmStruct): SvmContext {
    this.mm = mm;
    const notifier = mm.notifiers.insertInterval(0, 2 ** 46, {
      name: this.name,
      invalidate: (range, seq) => {
        notifier.setSeq(seq);
        this.drop();
        if (this.flying === null || this.mistakes.noDrain === true) return;
        const hold = range.hold(this.name);
        this.waiting.push(() => {
          hold.release();
        });
      },
    });
    this.fault = function* (address: number): Task {
      for (;;) {
        const entries = new Int32Array(1);
        const notifierSeq = yield* notifier.readBegin();
        yield mm.mmapLock.shared;
        const request = HMM_PFN_VALID | HMM_PFN_WRITE;
        const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start: address, entries, request });
        mm.mmapLock.releaseShared();
        if (result === 'EBUSY') continue;
        if (result !== 0) throw new Error(`hmm_range_fault: ${result}`);
        yield 0;
        if (this.mistakes.noRetry !== true && notifier.readRetry(notifierSeq)) continue;
        this.entry = { page: pageOf(address), frame: hmmFrame(entries[0]) };
        if (this.mistakes.silent !== true) this.watchers.installed(mm, address, this.entry.frame, true);
        return;
      }
    };
    return this;
  }

  private fault: (address: number) => Task = function* () {
    throw new Error('nobody has opened it');
  };

  *write(address: number, data: Uint8Array): Task {
    const mm = this.mm!;
    while (this.entry === null) yield* this.fault(address);
    const { frame } = this.entry;
    this.watchers.accessed(mm, address, data.length, frame, 0, true);
    this.flying = [mm, address, data.length, frame, 0, true];
    yield 0;
    busWrite(mm, frame, 0, data);
    setPageDirty(mm, frame);
    this.flying = null;
    for (const landed of this.waiting.splice(0)) landed();
  }

  *read(): Task {
    throw new Error('it only writes');
  }

  *close(): Task {
    this.drop();
  }

  watch(watcher: DeviceWatcher): void {
    this.watchers.add(watcher);
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    const { entry } = this;
    if (entry === null || mm !== this.mm) return;
    const address = entry.page * PAGE_SIZE;
    if (start < address + PAGE_SIZE && address < end) visit(mm, address, entry.frame, true);
  }

  forEachInFlight(visit: AccessVisitor): void {
    if (this.flying !== null) visit(...this.flying);
  }

  private drop(): void {
    const { entry } = this;
    this.entry = null;
    if (entry === null || this.mistakes.silent === true) return;
    this.watchers.removed(this.mm!, entry.page * PAGE_SIZE, entry.frame, true);
  }
}

function onePage(mistakes: Mistakes): DriverPlugin {
  return devicePlugin(
    { name: 'one-page', title: 'a device of one page', onDemandPaging: true },
    (name) => new OnePage(name, mistakes),
  );
}

/** The device writes a page that madvise takes. */
function race(mistakes: Mistakes): Scenario {
  return (stage) => {
    const machine = new SmallMachine(stage);
    const { kernel, process } = machine;
    const start = machine.address(0);
    const device = machine.plugIn(pluggedIn(onePage(mistakes)), 'device');
    machine.mapAnon(1);
    machine.before('open', device.register(process.mm, start, PAGE_SIZE));
    machine.device('write', device.access('write', start, 64));
    machine.systemCall('madvise', kernel.madviseDontneed(process, start, PAGE_SIZE));
    return () => {
      machine.finish();
      return undefined;
    };
  };
}

function failures(mistakes: Mistakes, search: SearchName): unknown[] {
  const report = explore(race(mistakes), { search, stopAtFirst: false, shrink: false });
  expect(report.complete).toBe(true);
  return [...report.failureKinds.keys()].sort();
}

describe.each<[string, Mistakes]>([
  ['no mistake', {}],
  ['no retry', { noRetry: true }],
  ['no drain', { noDrain: true }],
  ['neither', { noRetry: true, noDrain: true }],
  ['no retry, and tells nobody of its translations', { noRetry: true, silent: true }],
  ['tells nobody of its translations', { silent: true }],
])('a device with accesses in flight, %s', (_what, mistakes) => {
  it('fails under the reduced search as under every schedule', () => {
    const all = failures(mistakes, 'naive');
    expect(failures(mistakes, 'dpor')).toEqual(all);
    if (mistakes.noRetry === true || mistakes.noDrain === true) expect(all).not.toEqual([]);
  });
});

describe.each(['dpor', 'naive'] as const)(
  'who looks at a device does so before and after what it does: %s',
  (search) => {
    function looking(look: (device: ObservedDevice, mm: MmStruct) => number): number[] {
      const found = new Set<number>();
      const scenario: Scenario = (stage) => {
        const machine = new SmallMachine(stage);
        const { mm } = machine.process;
        const device = machine.plugIn(pluggedIn(onePage({ silent: true })), 'device');
        machine.mapAnon(1);
        machine.before('open', device.register(mm, machine.address(0), PAGE_SIZE));
        stage.task('write', device.access('write', machine.address(0), 64));
        stage.task(
          'look',
          (function* (): Task {
            found.add(look(device.observed, mm));
          })(),
        );
        return undefined;
      };
      expect(explore(scenario, { search }).complete).toBe(true);
      return [...found].sort();
    }

    it('has it a translation, of which it tells nobody?', () => {
      const counts = looking((device, mm) => {
        let count = 0;
        device.forEachTranslation(mm, 0, Infinity, () => count++);
        return count;
      });
      expect(counts).toEqual([0, 1]);
    });

    it('is an access in flight?', () => {
      const counts = looking((device) => {
        let count = 0;
        device.forEachInFlight(() => count++);
        return count;
      });
      expect(counts).toEqual([0, 1]);
    });
  },
);

it('what a device does is told of a schedule that fails', () => {
  const { failure } = explore(race({ noDrain: true }));
  expect(failure?.narrative).toMatch(/device may write 0x40000000, frame 1[^]*device writes at 0x40000000, frame 1/);
  expect(failure?.narrative).toContain('device lets go of 0x40000000, frame 1');
});
