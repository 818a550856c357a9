import { isErrno, type ErrnoCode } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { KernelCore, Process } from '../../kernel/index.js';
import type { DeviceFactory, SvmContext, SvmDevice } from '../../../devices/contract/index.js';
import type { Channel, Refusal, TriedDevice, Window } from './tried-device.js';

/** A device with shared virtual memory, as it comes. */
export class SvmTriedDevice implements TriedDevice {
  readonly observed: readonly SvmDevice[];
  readonly device: SvmDevice;

  constructor(kernel: KernelCore, create: DeviceFactory, name: string) {
    this.device = create(name, kernel);
    this.observed = [this.device];
  }

  *open(process: Process): Task<Window> {
    yield 0;
    return new OpenProcess(this.device.open(process.mm));
  }

  refusal(errno: ErrnoCode): string {
    return errno;
  }
}

/** A process that the device has open: all of it, whatever stretch was asked for. */
export class OpenProcess implements Window {
  constructor(readonly context: SvmContext) {}

  read(address: number, target: Uint8Array): Task<Refusal> {
    return refusalOf(this.context.read(address, target));
  }

  write(address: number, data: Uint8Array): Task<Refusal> {
    return refusalOf(this.context.write(address, data));
  }

  channel(): Channel {
    return this;
  }

  *close(): Task {
    yield* this.context.close();
  }
}

function* refusalOf(access: Task<unknown>): Task<Refusal> {
  try {
    yield* access;
    return null;
  } catch (error) {
    if (isErrno(error)) return error.code;
    throw error;
  }
}
