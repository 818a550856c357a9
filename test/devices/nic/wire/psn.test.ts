import fc from 'fast-check';
import { PSN_MASK, psnAdd, psnCount, psnDistance, psnPrecedes } from '../../../../devices/nic/wire/index.js';

const psn = fc.integer({ min: 0, max: PSN_MASK });

describe('PSN arithmetic', () => {
  it('wraps from 0xffffff to 0', () => {
    expect(psnAdd(0xffffff, 1)).toBe(0);
    expect(psnAdd(0, -1)).toBe(0xffffff);
    expect(psnDistance(0xffffff, 0)).toBe(1);
    expect(psnDistance(0, 0xffffff)).toBe(-1);
    expect(psnPrecedes(0xfffffe, 3)).toBe(true);
    expect(psnPrecedes(3, 0xfffffe)).toBe(false);
  });

  it('measures what it moved, over half the circle either way', () => {
    fc.assert(
      fc.property(psn, fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }), (from, packets) => {
        expect(psnDistance(from, psnAdd(from, packets))).toBe(packets);
      }),
    );
  });

  it('orders two different PSNs one way only, except at the opposite point of the circle', () => {
    fc.assert(
      fc.property(psn, psn, (a, b) => {
        fc.pre(a !== b && psnAdd(a, 2 ** 23) !== b);
        expect(psnPrecedes(a, b)).toBe(!psnPrecedes(b, a));
      }),
    );
  });

  it('gives a message one PSN per path MTU, and an empty one a PSN of its own', () => {
    expect(psnCount(0, 1024)).toBe(1);
    expect(psnCount(1, 1024)).toBe(1);
    expect(psnCount(1024, 1024)).toBe(1);
    expect(psnCount(1025, 1024)).toBe(2);
    expect(psnCount(2 ** 31, 4096)).toBe(2 ** 19);
  });
});
