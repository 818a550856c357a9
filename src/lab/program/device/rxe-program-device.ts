import type { Task } from '../../../engine/index.js';
import type { MmStruct } from '../../../mm/index.js';
import type { RegMrRequest } from '../../../../devices/contract/index.js';
import { RxeDevice, type RxeMr } from '../../../../devices/rxe/index.js';
import type { AtomicResult, MrAdvice, ProgramDevice, ProgramMr, Status } from './program-device.js';

/** The software NIC of the recordings. */
export class RxeProgramDevice implements ProgramDevice {
  readonly observed: RxeDevice;
  private readonly rxe = new RxeDevice();

  constructor() {
    this.observed = this.rxe;
  }

  *regMr(request: RegMrRequest, odp: boolean): Task<ProgramMr> {
    return new Region(this.rxe, yield* this.rxe.regMr(request, odp));
  }

  *close(mm: MmStruct): Task {
    yield* this.rxe.close(mm);
  }
}

class Region implements ProgramMr {
  constructor(
    private readonly rxe: RxeDevice,
    private readonly mr: RxeMr,
  ) {}

  write(address: number, data: Uint8Array): Task<Status> {
    return this.rxe.write(this.mr, address, data);
  }

  read(address: number, data: Uint8Array): Task<Status> {
    return this.rxe.read(this.mr, address, data);
  }

  fetchAndAdd(address: number, add: bigint): Task<AtomicResult> {
    return this.rxe.atomic(this.mr, address, (old) => BigInt.asUintN(64, old + add));
  }

  compareAndSwap(address: number, compare: bigint, swap: bigint): Task<AtomicResult> {
    return this.rxe.atomic(this.mr, address, (old) => (old === compare ? swap : null));
  }

  receive(address: number, data: Uint8Array): Task<{ readonly sender: Status; readonly receiver: Status }> {
    return this.rxe.receive(this.mr, address, data);
  }

  send(address: number, data: Uint8Array): Task<Status> {
    return this.rxe.gather(this.mr, address, data);
  }

  writeFrom(address: number, data: Uint8Array): Task<Status> {
    return this.rxe.gather(this.mr, address, data);
  }

  advise(advice: MrAdvice, address: number, length: number): Task {
    return this.rxe.adviseMr(this.mr, advice, address, length);
  }

  *deregister(): Task {
    yield* this.rxe.deregMr(this.mr);
  }
}
