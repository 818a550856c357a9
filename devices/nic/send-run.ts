import type { Nic } from './nic.js';
import type { SendWindow } from './send-window.js';
import { psnAdd, psnDistance } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/** Requests at least every so many packets that the responder acknowledge, so that the window moves in long messages. */
const ACK_EVERY = 64;

/** Packets that may leave as one object: half of what the link has queued, so that it never runs dry. */
const MAX_RUN = 16;

/** Whether packet `index` of a request asks to be acknowledged. */
export function asksForAck(wqe: SendWqe, index: number): boolean {
  return wqe.wantsResponse || index === wqe.packets - 1 || index % ACK_EVERY === ACK_EVERY - 1;
}

/** How many packets from `index` on may leave as one object: middle packets that nobody asks to acknowledge. */
export function runLength(wqe: SendWqe, index: number, window: SendWindow, nic: Nic): number {
  if (index === 0 || wqe.opcode !== 'RDMA_WRITE' || wqe.mkey !== null) return 1;
  if (!nic.servesOne || nic.egress.lossRule !== null) return 1;
  const beforeAck = Math.min(wqe.packets - 1 - index, ACK_EVERY - 1 - (index % ACK_EVERY));
  const room = Math.min(MAX_RUN, nic.egress.room, nic.profile.maxUnackedPackets - window.inFlight);
  // All of them are sent for the first time, or none is.
  const again = psnDistance(psnAdd(wqe.firstPsn, index), window.freshPsn);
  return Math.max(1, Math.min(beforeAck, room, again > 0 ? again : MAX_RUN));
}
