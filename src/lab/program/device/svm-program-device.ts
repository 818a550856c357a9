import { Errno, isErrno } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import type { MmStruct } from '../../../mm/index.js';
import {
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  checkRegMr,
  isWritable,
  type RegMrRequest,
  type SvmContext,
  type SvmDevice,
} from '../../../../devices/contract/index.js';
import type { AtomicResult, MrAdvice, ProgramDevice, ProgramMr, Status } from './program-device.js';

/** A process that the device has open, and how many regions of it there are. */
interface Opened {
  readonly context: SvmContext;
  regions: number;
}

/**
 * A device with shared virtual memory as the device of a program. A region is no more to it than bounds and rights: it opens
 * the process with the first one and gives it up with the last.
 */
export class SvmProgramDevice implements ProgramDevice {
  private readonly opened = new Map<MmStruct, Opened>();

  constructor(readonly observed: SvmDevice) {}

  *regMr(request: RegMrRequest, odp: boolean): Task<ProgramMr> {
    if (!odp) throw new Errno('EOPNOTSUPP', `reg_mr: ${this.observed.name} pins nothing`);
    checkRegMr(request);
    const { mm } = request;
    const opened = this.opened.get(mm) ?? { context: this.observed.open(mm), regions: 0 };
    this.opened.set(mm, opened);
    opened.regions++;
    yield 0;
    return new Region(this, request, opened.context);
  }

  /** @internal */
  *deregistered(mm: MmStruct): Task {
    const opened = this.opened.get(mm);
    if (opened !== undefined && --opened.regions === 0) yield* this.close(mm);
  }

  *close(mm: MmStruct): Task {
    const opened = this.opened.get(mm);
    this.opened.delete(mm);
    if (opened !== undefined) yield* opened.context.close();
  }
}

class Region implements ProgramMr {
  private live = true;

  constructor(
    private readonly device: SvmProgramDevice,
    private readonly request: RegMrRequest,
    private readonly context: SvmContext,
  ) {}

  *write(address: number, data: Uint8Array): Task<Status> {
    if (!this.allows(address, data.length, IBV_ACCESS_REMOTE_WRITE)) return 'REM_ACCESS_ERR';
    return yield* ended(this.context.write(address, data), 'REM_ACCESS_ERR');
  }

  *read(address: number, data: Uint8Array): Task<Status> {
    if (!this.allows(address, data.length, IBV_ACCESS_REMOTE_READ)) return 'REM_ACCESS_ERR';
    return yield* ended(this.context.read(address, data), 'REM_ACCESS_ERR');
  }

  fetchAndAdd(): Task<AtomicResult> {
    throw new Errno('EOPNOTSUPP', `${this.device.observed.name} has no atomics`);
  }

  compareAndSwap(): Task<AtomicResult> {
    throw new Errno('EOPNOTSUPP', `${this.device.observed.name} has no atomics`);
  }

  *receive(address: number, data: Uint8Array): Task<{ readonly sender: Status; readonly receiver: Status }> {
    if (!isWritable(this.request.access)) return { sender: 'REM_OP_ERR', receiver: 'LOC_PROT_ERR' };
    const receiver = yield* ended(this.context.write(address, data), 'LOC_PROT_ERR');
    return { sender: receiver === 'SUCCESS' ? 'SUCCESS' : 'REM_OP_ERR', receiver };
  }

  *send(address: number, data: Uint8Array): Task<Status> {
    return yield* ended(this.context.read(address, data), 'LOC_PROT_ERR');
  }

  writeFrom(address: number, data: Uint8Array): Task<Status> {
    return this.send(address, data);
  }

  advise(advice: MrAdvice): Task {
    throw new Errno('EOPNOTSUPP', `advise_mr: ${advice}`);
  }

  *deregister(): Task {
    if (!this.live) return;
    this.live = false;
    yield* this.device.deregistered(this.request.mm);
  }

  private allows(address: number, length: number, right: number): boolean {
    const { start, length: bytes, access } = this.request;
    return (access & right) !== 0 && address >= start && address + length <= start + bytes;
  }
}

/** The status in which an access ends. */
function* ended(access: Task<unknown>, failure: Status): Task<Status> {
  try {
    yield* access;
    return 'SUCCESS';
  } catch (error) {
    if (isErrno(error)) return failure;
    throw error;
  }
}
