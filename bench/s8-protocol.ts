import { Condition, Lock, type Task } from '../src/engine/index.js';
import { MmuNotifiers, NotifierHub, type IntervalNotifier, type InvalidateRange } from '../notifiers/index.js';
import type { Finale, Scenario, SharedVariable, Stage } from '../src/check/index.js';

/** The page that all of it is about. */
const PAGE = 0x1000;
const PAGE_END = 0x2000;
/** What an entry says while nothing is mapped. */
const NONE = -1;

/** What the devices of a scenario share. */
interface Machine {
  readonly stage: Stage;
  readonly notifiers: MmuNotifiers;
  /** The frame that the CPU's entry names. */
  readonly pte: SharedVariable<number>;
}

/** A device with one translation, one DMA in flight at a time, and a driver that follows invalidations. */
class Device {
  readonly mutex: Lock;
  readonly mtt: SharedVariable<number>;
  readonly inFlight: SharedVariable<number>;
  /** Notified when a DMA has landed. */
  readonly landed: Condition;
  readonly notifier: IntervalNotifier;

  constructor(
    readonly machine: Machine,
    readonly name: string,
    readonly drains: boolean,
  ) {
    const { stage } = machine;
    this.mutex = new Lock(stage.simulation, `mutex of ${name}`);
    this.mtt = stage.shared<number>(`mtt of ${name}`, 0);
    this.inFlight = stage.shared<number>(`DMA of ${name}`, NONE);
    this.landed = new Condition(stage.simulation, `DMA of ${name} in flight`);
    this.notifier = machine.notifiers.insertInterval(PAGE, PAGE_END - PAGE, {
      name,
      invalidate: (range, seq) => range.hold(name, quiesce(this, seq)),
    });
  }
}

function* quiesce(device: Device, seq: number): Task {
  yield device.mutex;
  device.notifier.setSeq(seq);
  device.mtt.set(NONE);
  device.mutex.release();
  while (device.drains && device.inFlight.get() !== NONE) yield device.landed;
}

/** Writes the page a few times, faulting where there is no translation. */
function* dma(device: Device, writes: number): Task {
  const { mtt, inFlight, machine } = device;
  for (let left = writes; left > 0; left--) {
    machine.stage.known(1, left);
    yield 0;
    while (mtt.get() === NONE) yield* fault(device, left);
    inFlight.set(mtt.get());
    machine.stage.known(2, left);
    yield 0;
    // It lands: whatever the entry says by now, the frame that it goes to must still be the page's.
    const frame = inFlight.get();
    if (frame !== machine.pte.get())
      throw new Error(`${device.name} wrote frame ${String(frame)}, which is not mapped`);
    inFlight.set(NONE);
    device.landed.notifyAll();
  }
}

/** A page fault of the device: the canonical loop of interval notifiers. */
function* fault({ notifier, machine, mutex, mtt }: Device, left: number): Task {
  for (;;) {
    const seq = yield* notifier.readBegin();
    const frame = machine.pte.get();
    machine.stage.known(3, left, seq, frame);
    yield mutex;
    const valid = !notifier.readRetry(seq);
    if (valid) mtt.set(frame);
    mutex.release();
    machine.stage.known(valid ? 4 : 5, left);
    yield 0;
    if (valid) return;
  }
}

/** Replaces the page's frame, as migration does: start, entry changed, end. */
function* invalidate({ notifiers, pte, stage }: Machine, times: number): Task {
  for (let left = times; left > 0; left--) {
    stage.known(1, left);
    yield 0;
    const range: InvalidateRange = notifiers.invalidateRangeStart('CLEAR', PAGE, PAGE_END);
    stage.known(2, left);
    if (range.holds > 0) yield range;
    pte.set(pte.get() + 1);
    stage.known(3, left);
    yield 0;
    notifiers.invalidateRangeEnd(range);
  }
}

export interface ProtocolOptions {
  readonly devices: number;
  /** Writes by each device. */
  readonly writes: number;
  readonly invalidations: number;
  /** False leaves out the wait for DMA in flight: the bug that is to be found. */
  readonly drains?: boolean;
}

/** invalidate x DMA x fault: one page, devices that write it, and a kernel that takes it away from them. */
export function protocol({ devices, writes, invalidations, drains = true }: ProtocolOptions): Scenario {
  return (stage): Finale | undefined => {
    const notifiers = new MmuNotifiers(new NotifierHub(stage.simulation), { id: 1, name: 'mm' });
    const machine: Machine = { stage, notifiers, pte: stage.shared<number>('pte', 0) };
    for (let i = 0; i < devices; i++) {
      const device = new Device(machine, `device ${String(i)}`, drains);
      stage.task(device.name, dma(device, writes));
    }
    stage.task('kernel', invalidate(machine, invalidations));
    return undefined;
  };
}
