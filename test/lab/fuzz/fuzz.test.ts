import { KINDS, fuzzOne } from '../../../src/lab/fuzz/index.js';
import { parseProgram, type ProgramWatch } from '../../../src/lab/program/index.js';

const nobody: ProgramWatch = () => ({ afterStep: () => undefined, atEnd: () => undefined });

describe('a random program', () => {
  it.each(KINDS)('of kind $name is valid, and the same for the same seed', (kind) => {
    for (let seed = 0; seed < 5; seed++) {
      const { program } = fuzzOne(kind, seed, nobody);
      expect(parseProgram(program.join('\n')).at(-1)?.op).toBe('after_exit');
      expect(fuzzOne(kind, seed, nobody).program).toEqual(program);
    }
    expect(fuzzOne(kind, 1, nobody).program).not.toEqual(fuzzOne(kind, 2, nobody).program);
  });

  it('that breaks a rule is cut down to what breaks it', () => {
    const kind = KINDS[0];
    const noStores: ProgramWatch = (world) => ({
      afterStep: () => {
        if (world.system.pins.pinned > 0) throw new Error('something is pinned');
      },
      atEnd: () => undefined,
    });
    const failures = Array.from({ length: 40 }, (_, seed) => fuzzOne(kind, seed, noStores).failure).filter(
      (f) => f !== null,
    );
    expect(failures.length).toBeGreaterThan(2);
    for (const { reason, program } of failures) {
      expect(reason).toMatch(/^step \d: the emulator failed: something is pinned$/);
      expect(program.length).toBeLessThan(9);
    }
  });
});
