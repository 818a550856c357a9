const TENTHS_OF_A_MICROSECOND = 100;

/**
 * RNR NAK timer, 5-bit code → nanoseconds (IBTA table 45, `ibv_qp_attr.min_rnr_timer`).
 * Code 0 is the longest wait, not the shortest: a QP whose `min_rnr_timer` was never set stalls for 655.36 ms.
 * Linux rxe waits 61.41 ms on code 25, a slip of its own table; this one follows the standard.
 */
export const RNR_TIMER_NS: readonly number[] = [
  6553600, 100, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400, 9600, 12800, 19200, 25600, 38400, 51200,
  76800, 102400, 153600, 204800, 307200, 409600, 614400, 819200, 1228800, 1638400, 2457600, 3276800, 4915200,
].map((ticks) => ticks * TENTHS_OF_A_MICROSECOND);

/** How long a requester waits at least after an RNR NAK that carries `code`. @throws RangeError outside 0–31. */
export function rnrTimerNs(code: number): number {
  if (!(code in RNR_TIMER_NS)) throw new RangeError(`RNR timer code must be an integer 0–31: got ${code}`);
  return RNR_TIMER_NS[code];
}

/** The code of the shortest timer that lasts at least `ns`; code 0, the longest, when none does. */
export function rnrTimerCode(ns: number): number {
  for (let code = 1; code < RNR_TIMER_NS.length; code++) {
    if (RNR_TIMER_NS[code] >= ns) return code;
  }
  return 0;
}
