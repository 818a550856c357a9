/** Packet sequence numbers are 24 bits and wrap: order is the sign of the difference modulo 2^24 (IBTA 9.7.2). */
export const PSN_MASK = 0xffffff;

/** `psn` moved by `packets` (may be negative), modulo 2^24. */
export function psnAdd(psn: number, packets: number): number {
  return (psn + packets) & PSN_MASK;
}

/** Packets from `from` to `to`, in −2^23 … 2^23−1: positive when `to` is ahead. */
export function psnDistance(from: number, to: number): number {
  return ((to - from) << 8) >> 8;
}

/** True when `a` comes before `b` in the half-window of 2^23 packets. */
export function psnPrecedes(a: number, b: number): boolean {
  return psnDistance(b, a) < 0;
}

/**
 * PSNs that a message of `length` bytes occupies: one per path MTU, and one for an empty message.
 * The same holds for an RDMA READ, whose responses take their PSNs from the request stream.
 */
export function psnCount(length: number, pathMtu: number): number {
  return length <= pathMtu ? 1 : Math.ceil(length / pathMtu);
}
