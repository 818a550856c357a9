import { Condition, HotStream, type Simulation, type Task } from '../../src/engine/index.js';
import type { WcStatus } from './wc-status.js';
import type { WrOpcode } from './work-request.js';

/** What a completed work request did: enum ibv_wc_opcode without its prefix. */
export type WcOpcode =
  | 'SEND'
  | 'RDMA_WRITE'
  | 'RDMA_READ'
  | 'COMP_SWAP'
  | 'FETCH_ADD'
  | 'FLUSH'
  | 'ATOMIC_WRITE'
  | 'RECV'
  | 'RECV_RDMA_WITH_IMM';

/** How the completion of a work request names it. */
export const WC_OPCODE: Readonly<Record<WrOpcode, WcOpcode>> = {
  SEND: 'SEND',
  RDMA_WRITE: 'RDMA_WRITE',
  RDMA_READ: 'RDMA_READ',
  ATOMIC_CMP_AND_SWP: 'COMP_SWAP',
  ATOMIC_FETCH_AND_ADD: 'FETCH_ADD',
  FLUSH: 'FLUSH',
  ATOMIC_WRITE: 'ATOMIC_WRITE',
};

/** struct ibv_wc. On an error only `wrId`, `status` and `qpn` mean anything. */
export interface WorkCompletion {
  readonly wrId: number;
  readonly status: WcStatus;
  readonly opcode: WcOpcode;
  readonly qpn: number;
  /** Bytes received, read or written. */
  readonly byteLength: number;
  readonly immediate: number | null;
}

/** A completion queue: poll it, wait for it in a task, or subscribe to it. What a subscriber has seen is not queued. */
export class CompletionQueue {
  readonly completions$ = new HotStream<WorkCompletion>();

  private readonly queue: WorkCompletion[] = [];
  private readonly arrived: Condition;

  constructor(simulation: Simulation, name: string) {
    this.arrived = new Condition(simulation, `a completion in ${name}`);
  }

  /** ibv_poll_cq for one entry; null if there is none. */
  poll(): WorkCompletion | null {
    return this.queue.shift() ?? null;
  }

  /** Waits for the next entry. */
  *next(): Task<WorkCompletion> {
    for (;;) {
      const completion = this.poll();
      if (completion !== null) return completion;
      yield this.arrived;
    }
  }

  /** @internal */
  push(completion: WorkCompletion): void {
    if (this.completions$.observed) {
      this.completions$.emit(completion);
      return;
    }
    this.queue.push(completion);
    this.arrived.notifyOne();
  }
}
