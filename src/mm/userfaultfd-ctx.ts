import { PAGE_SIZE } from '../base/index.js';
import { Condition, type Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import type { MmStruct } from './mm-struct.js';

/** A fault that a handler is told of: struct uffd_msg of a UFFD_EVENT_PAGEFAULT. */
export interface UffdMessage {
  /** Address of the page, in bytes. */
  readonly address: number;
  readonly write: boolean;
  /** UFFD_PAGEFAULT_FLAG_WP: the page is there, and write-protected. */
  readonly wp: boolean;
}

/** One thread that waits for its fault to be dealt with. */
interface Waiter {
  readonly address: number;
  woken: boolean;
}

/** struct userfaultfd_ctx: faults that wait for somebody to deal with them. */
export class UserfaultfdCtx {
  private readonly messages: UffdMessage[] = [];
  private readonly waiters = new Set<Waiter>();
  private readonly arrivals: Condition;
  private readonly wakes: Condition;

  constructor(readonly mm: MmStruct) {
    const { simulation } = mm.system;
    this.arrivals = new Condition(simulation, `faults for the userfaultfd of ${mm.name}`);
    this.wakes = new Condition(simulation, `the userfaultfd of ${mm.name}`);
  }

  /** read(2): the next fault; waits for one. */
  *read(): Task<UffdMessage> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      yield this.arrivals;
    }
  }

  /** handle_userfault: lets mmap_lock go and waits until somebody has dealt with the fault. */
  *wait(message: UffdMessage): Task {
    const waiter: Waiter = { address: message.address, woken: false };
    this.waiters.add(waiter);
    this.messages.push(message);
    this.arrivals.notifyAll();
    this.mm.mmapLock.releaseShared();
    while (!waiter.woken) yield this.wakes;
    this.waiters.delete(waiter);
    yield this.mm.mmapLock.shared;
  }

  /** UFFDIO_WAKE: threads that wait for pages of the range look again. */
  wake(address: number, length: number): void {
    for (const waiter of this.waiters) {
      if (waiter.address >= address && waiter.address < address + length) waiter.woken = true;
    }
    this.wakes.notifyAll();
  }
}

/**
 * handle_userfault: the fault becomes a message, and the caller has to come again when it has been dealt with.
 * @returns SIGBUS for a caller that cannot let mmap_lock go
 */
export function* handleUserfault(fault: VmFault, wp: boolean): Task<FaultResult> {
  const { vma, address, write, allowRetry } = fault;
  if (!allowRetry || vma.userfaultfd === null) return 'SIGBUS';
  yield* vma.userfaultfd.wait({ address: address - (address % PAGE_SIZE), write, wp });
  return 'released';
}
