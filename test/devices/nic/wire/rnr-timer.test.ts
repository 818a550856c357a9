import { RNR_TIMER_NS, rnrTimerCode, rnrTimerNs } from '../../../../devices/nic/wire/index.js';

describe('the RNR NAK timer', () => {
  it('has 32 codes, of which 0 is the longest and 1 the shortest', () => {
    expect(RNR_TIMER_NS).toHaveLength(32);
    expect(Math.max(...RNR_TIMER_NS)).toBe(rnrTimerNs(0));
    expect(Math.min(...RNR_TIMER_NS)).toBe(rnrTimerNs(1));
  });

  it.each([
    [0, 655_360_000],
    [1, 10_000],
    [5, 60_000],
    [12, 640_000],
    [14, 1_280_000],
    [20, 10_240_000],
    [24, 40_960_000],
    [28, 163_840_000],
    [31, 491_520_000],
  ])('waits for code %i %i ns', (code, ns) => {
    expect(rnrTimerNs(code)).toBe(ns);
  });

  it('takes 61.44 ms for code 25, where rxe has 61.41', () => {
    expect(rnrTimerNs(25)).toBe(61_440_000);
  });

  it('finds for each time the shortest timer that is long enough', () => {
    RNR_TIMER_NS.forEach((ns, code) => expect(rnrTimerCode(ns)).toBe(code));
    expect(rnrTimerCode(0)).toBe(1);
    expect(rnrTimerCode(10_001)).toBe(2);
    expect(rnrTimerCode(500_000_000)).toBe(0);
    expect(rnrTimerCode(Infinity)).toBe(0);
  });

  it.each([-1, 32, 1.5, NaN])('refuses code %p', (code) => {
    expect(() => rnrTimerNs(code)).toThrow(`RNR timer code must be an integer 0–31: got ${code}`);
  });
});
