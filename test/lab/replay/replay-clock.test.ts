import fc from 'fast-check';
import { ReplayClock } from '../../../src/lab/index.js';

describe('the clock of a replay', () => {
  const clock = new ReplayClock(
    [
      { fromNs: 100, toNs: 1100 },
      { fromNs: 2000, toNs: 2050 },
      { fromNs: 3000, toNs: 4000 },
    ],
    100,
  );

  it('shortens long silences and leaves everything else as it was', () => {
    expect([0, 100, 150, 200, 700, 1100, 1200, 2050, 3000, 4000, 4001].map((ns) => clock.at(ns))).toEqual([
      0, 100, 150, 200, 200, 200, 300, 1150, 2100, 2200, 2201,
    ]);
    expect(clock.shortenedNs).toBe(1800);
  });

  it('never goes back', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), (a, b) => {
        expect(Math.sign(clock.at(a) - clock.at(b)) * Math.sign(a - b)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
