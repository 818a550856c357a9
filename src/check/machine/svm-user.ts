import { isErrno } from '../../base/index.js';
import { Condition, SimulationError, type SharedState, type Task } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { DeviceWatcher, ObservedDevice, SvmContext, SvmDevice } from '../../../devices/contract/index.js';
import type { Stage } from '../explore/index.js';
import type { DeviceUnderTest } from './device-under-test.js';
import { hurried } from './hurried.js';

/**
 * Whoever uses a device with shared virtual memory. All of the device is one thing to a search: what it keeps, nobody can see.
 *
 * It is closed when nobody uses it any more, as a file is when its last reference has gone.
 */
export class SvmUser implements DeviceUnderTest {
  readonly observed: ObservedDevice;
  private context: SvmContext | null = null;
  private closing = false;
  private users = 0;
  private readonly unused: Condition;
  /** Whether it is being closed, and who uses it. */
  private readonly use: SharedState;

  constructor(
    private readonly stage: Stage,
    private readonly device: SvmDevice,
    private readonly part: SharedState,
  ) {
    this.unused = new Condition(stage.simulation, `nobody to use ${device.name}`);
    this.use = stage.state();
    this.observed = lookedAt(device, part);
    device.watch(told(stage, device));
  }

  get name(): string {
    return this.device.name;
  }

  *register(mm: MmStruct): Task {
    this.context = this.stage.within(this.part, () => this.device.open(mm));
  }

  *deregister(): Task {
    this.use.write();
    this.closing = true;
    while (this.users > 0) {
      yield this.unused;
      this.use.write();
    }
    yield* this.stage.stepsWithin(this.part, hurried(this.the().close()));
  }

  *access(kind: 'read' | 'write', address: number, length: number): Task {
    this.use.write();
    if (this.closing) return;
    this.users++;
    const transfer = this.transfer(kind, address, new Uint8Array(length).fill(1));
    yield* this.stage.stepsWithin(this.part, hurried(transfer));
    this.use.write();
    if (--this.users === 0) this.unused.notifyAll();
  }

  private *transfer(kind: 'read' | 'write', address: number, bytes: Uint8Array): Task {
    const context = this.the();
    try {
      yield* kind === 'write' ? context.write(address, bytes) : context.read(address, bytes);
    } catch (error) {
      // It may be that there is nothing at that address any more.
      if (!isErrno(error)) throw error;
    }
  }

  private the(): SvmContext {
    if (this.context === null) throw new SimulationError(`${this.name} has not opened the process`);
    return this.context;
  }
}

/** What a device does, in the narrative of a schedule. */
function told(stage: Stage, { name }: SvmDevice): DeviceWatcher {
  const note = (what: string, address: number, frame: number): void => {
    stage.note(() => `${name} ${what} 0x${address.toString(16)}, frame ${String(frame)}`);
  };
  return {
    accessed: (_mm, address, _length, frame, _offset, write) => {
      note(write ? 'writes at' : 'reads at', address, frame);
    },
    installed: (_mm, address, frame, writable) => {
      note(writable ? 'may write' : 'may read', address, frame);
    },
    removed: (_mm, address, frame) => {
      note('lets go of', address, frame);
    },
    faultRaised: (_fault, _mm, address) => {
      stage.note(() => `${name} needs 0x${address.toString(16)}`);
    },
    faultEnded: () => undefined,
    deadKeyUsed: () => undefined,
  };
}

/** What looks at a device as it is at that moment. */
const LOOKS: readonly (string | symbol)[] = ['forEachInFlight', 'forEachTranslation'];

/**
 * The device as others see it: nobody is told when an access lands, and a device may be silent where it should tell of a translation;
 * so who looks at what is there looks at the device.
 */
function lookedAt(device: SvmDevice, part: SharedState): ObservedDevice {
  return new Proxy(device, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (LOOKS.includes(key)) part.read();
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}
