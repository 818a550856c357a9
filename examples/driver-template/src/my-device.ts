import {
  DeviceWatchers,
  devicePlugin,
  type AccessVisitor,
  type DeviceWatcher,
  type KernelCore,
  type MmStruct,
  type SvmDevice,
  type TranslationVisitor,
} from 'pinless';
import { FaultQueue } from './fault-queue.js';
import { MyContext } from './my-context.js';

/** A device with shared virtual memory and a fault queue of its own. */
export class MyDevice implements SvmDevice {
  readonly driverName: string;
  /** It causes no notifications itself: it migrates no page and asks for none to itself. */
  readonly cookie = null;
  readonly watchers = new DeviceWatchers();
  readonly faults: FaultQueue;
  private readonly contexts = new Set<MyContext>();

  constructor(
    readonly name: string,
    kernel: KernelCore,
  ) {
    this.driverName = name;
    // Small, so that it is full often: what tries the device has three or four accesses at a time.
    this.faults = new FaultQueue(kernel.simulation, this, { entries: 2, batch: 2 });
  }

  open(mm: MmStruct): MyContext {
    const context = new MyContext(this, mm);
    this.contexts.add(context);
    return context;
  }

  closed(context: MyContext): void {
    this.contexts.delete(context);
  }

  watch(watcher: DeviceWatcher): void {
    this.watchers.add(watcher);
  }

  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void {
    for (const context of this.contexts) if (context.mm === mm) context.mmu.forEachTranslation(start, end, visit);
  }

  forEachInFlight(visit: AccessVisitor): void {
    for (const { mmu } of this.contexts) mmu.forEachInFlight(visit);
  }
}

export default devicePlugin(
  { name: 'my-device', title: 'a device with a fault queue of its own', onDemandPaging: true },
  (name, kernel) => new MyDevice(name, kernel),
);
