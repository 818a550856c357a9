import { isErrno, type ErrnoCode } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { KernelCore, Process } from '../../kernel/index.js';
import type { DeviceFactory, DeviceWatcher, SvmContext, SvmDevice } from '../../../devices/contract/index.js';
import { Unexpected } from '../expect.js';
import type { Channel, Refusal, TriedDevice, Window } from './tried-device.js';

/** A device with shared virtual memory, as it comes. */
export class SvmTriedDevice implements TriedDevice {
  readonly observed: readonly SvmDevice[];
  readonly device: SvmDevice;

  private readonly told: Told = { read: 0, written: 0 };

  constructor(kernel: KernelCore, create: DeviceFactory, name: string) {
    this.device = create(name, kernel);
    this.observed = [this.device];
    this.device.watch({
      ...NOBODY,
      accessed: (_mm, _address, length, _frame, _offset, write) => {
        this.told[write ? 'written' : 'read'] += length;
      },
    });
  }

  *open(process: Process): Task<Window> {
    yield 0;
    return new OpenProcess(this.device.open(process.mm), this.told);
  }

  /** What it opened are subscriptions to address spaces, and nothing else. */
  left(): null {
    return null;
  }

  refusal(errno: ErrnoCode): string {
    return errno;
  }
}

/** Bytes that a device has told its watchers of. */
interface Told {
  read: number;
  written: number;
}

const NOBODY: DeviceWatcher = {
  accessed: () => undefined,
  installed: () => undefined,
  removed: () => undefined,
  faultRaised: () => undefined,
  faultEnded: () => undefined,
  deadKeyUsed: () => undefined,
};

/** A process that the device has open: all of it, whatever stretch was asked for. */
export class OpenProcess implements Window {
  constructor(
    readonly context: SvmContext,
    private readonly told: Told,
  ) {}

  read(address: number, target: Uint8Array): Task<Refusal> {
    return this.transfer(this.context.read(address, target), target.length, 'read');
  }

  write(address: number, data: Uint8Array): Task<Refusal> {
    return this.transfer(this.context.write(address, data), data.length, 'written');
  }

  channel(): Channel {
    return this;
  }

  *close(): Task {
    yield* this.context.close();
  }

  /** Rules are checked against what the device tells of itself: one that tells nothing would break none. */
  private *transfer(access: Task<unknown>, length: number, how: keyof Told): Task<Refusal> {
    const before = this.told[how];
    try {
      yield* access;
    } catch (error) {
      if (isErrno(error)) return error.code;
      throw error;
    }
    const told = this.told[how] - before;
    if (told >= length) return null;
    throw new Unexpected(
      `the device has ${how} ${String(length)} bytes, and has told its watchers of ${String(told)}: see ObservedDevice`,
    );
  }
}
