import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';

/**
 * A seeded stream of random numbers that splits by name.
 *
 * A child stream depends on the seed and on the path of names that leads to it, never on how many numbers were drawn
 * before: adding a draw in one device does not change what another one sees.
 */
export class RandomStream {
  private readonly generator: JumpableRandomGenerator;

  /** @param seed any integer; its low 32 bits are used */
  constructor(readonly seed: number) {
    // Neighbouring seeds must not give similar first numbers.
    this.generator = xoroshiro128plus(hash('', seed));
  }

  /** The child stream of that name. */
  split(name: string): RandomStream {
    return new RandomStream(hash(name, this.seed));
  }

  /** An integer in [0, bound); bound at most 2^31. */
  below(bound: number): number {
    return uniformInt(this.generator, 0, bound - 1);
  }

  /** An integer in [min, max]. */
  between(min: number, max: number): number {
    return uniformInt(this.generator, min, max);
  }

  /** True with probability `p` in [0, 1], in steps of 2^-31. */
  chance(p: number): boolean {
    return this.below(0x7fffffff) < p * 0x7fffffff;
  }
}

/** FNV-1a over the seed's bytes and the name, finished with murmur3's mixer so that near names give far seeds. */
function hash(name: string, seed: number): number {
  let h = 0x811c9dc5;
  for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((seed >>> shift) & 0xff), 0x01000193);
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
