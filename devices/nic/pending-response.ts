import type { NicMkey } from './mkey-table.js';

/** One answer of a responder that waits for its turn, or for memory. */
export class PendingResponse {
  /** False while memory has not been read, or changed, yet. */
  ready = false;
  /** True if the queue pair gives up when this has been sent. */
  fatal = false;
  /** True if it takes one of the places for READs and atomics that the two sides agreed on. */
  takesPlace = false;
  /** Atomics: the value before. */
  originalData = 0n;
  /** READ: what is left to fetch, from where, and the packets under way. */
  mkey: NicMkey | null = null;
  address = 0;
  length = 0;
  /** READ: bytes sent or being fetched so far, and packets being fetched. */
  fetched = 0;
  fetching = 0;
  /** READ: the rest cannot be had. */
  broken = false;

  constructor(
    readonly opcode: number,
    readonly psn: number,
    readonly syndrome: number,
    readonly msn: number,
    readonly mark: number,
  ) {}
}
