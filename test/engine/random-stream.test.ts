import fc from 'fast-check';
import { RandomStream } from '../../src/engine/index.js';

function draw(stream: RandomStream, count = 8): number[] {
  return Array.from({ length: count }, () => stream.below(1_000_000));
}

describe('RandomStream', () => {
  it('gives the same numbers for the same seed', () => {
    expect(draw(new RandomStream(42))).toEqual(draw(new RandomStream(42)));
    expect(draw(new RandomStream(42))).not.toEqual(draw(new RandomStream(43)));
  });

  it('splits by name, whatever was drawn before', () => {
    const fresh = new RandomStream(1).split('disk');
    const used = new RandomStream(1);
    draw(used, 100);
    expect(draw(used.split('disk'))).toEqual(draw(fresh));
    expect(draw(used.split('nic'))).not.toEqual(draw(used.split('disk')));
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, bound) => {
        const stream = new RandomStream(seed);
        for (let i = 0; i < 20; i++) {
          const n = stream.below(bound);
          expect(n >= 0 && n < bound).toBe(true);
        }
      }),
    );
  });

  it('takes chances at their extremes as certainties', () => {
    const stream = new RandomStream(9);
    for (let i = 0; i < 50; i++) {
      expect(stream.chance(0)).toBe(false);
      expect(stream.chance(1)).toBe(true);
    }
  });
});
