import { psnAdd, psnDistance } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/** The send queue: work requests in posting order, from the oldest that has not completed. */
export class SendQueue {
  /** Completed ones are not kept: they hold the data of their message. */
  private readonly wqes: (SendWqe | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.wqes.length - this.head;
  }

  /** Work request number `index`, 0 being the oldest; undefined past the end. */
  at(index: number): SendWqe | undefined {
    return this.wqes[this.head + index];
  }

  push(wqe: SendWqe): void {
    this.wqes.push(wqe);
  }

  shift(): void {
    this.wqes[this.head++] = undefined;
    // Compacting by halves keeps a shift constant on average.
    if (this.head > 64 && this.head * 2 > this.wqes.length) {
      this.wqes.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Index of the work request that a PSN belongs to, `length` if it is past the end. The PSN is not before the first. */
  indexOf(psn: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const wqe = this.wqes[this.head + middle]!;
      if (psnDistance(psnAdd(wqe.firstPsn, wqe.packets - 1), psn) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
