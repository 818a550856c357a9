import { MachineRules } from '../../../src/check/index.js';
import { PTE_WRITE } from '../../../src/mm/index.js';
import { parseProgram, runProgram, withImplicitExit, type ProgramWatch } from '../../../src/lab/program/index.js';

type World = Parameters<ProgramWatch>[0];

const PROGRAM = withImplicitExit(
  parseProgram(
    [
      'map name=m kind=ext4 share=shared prot=rw pages=16 content=cached',
      'mr name=r map=m first=0 pages=16',
      'rdma_write mr=r page=3 value=1',
      'fsync map=m',
      'munmap map=m first=8 pages=8',
    ].join('\n'),
  ),
);

/** What the rules say of a run in which somebody meddles with the machine after a step. */
function verdict(step: number, meddle: (world: World) => void): string {
  const watch: ProgramWatch = (world) => {
    const rules = new MachineRules(world.system, world.device.observed);
    let steps = 0;
    return {
      afterStep: () => {
        if (++steps === step) meddle(world);
        rules.afterStep([world.mm]);
      },
      atEnd: () => {
        rules.atEnd();
      },
    };
  };
  return runProgram(PROGRAM, { watch }).stopped?.reason ?? 'nothing is wrong';
}

/** Page 3 of the area. */
const PAGE = 2 ** 24 + 3;

describe('the rules of a machine', () => {
  it('are kept by a run that nobody meddles with', () => {
    expect(verdict(0, () => undefined)).toBe('nothing is wrong');
  });

  it('R11: the device has a page that the CPU has not', () => {
    expect(verdict(3, ({ mm }) => mm.pageTable.set(PAGE, 0))).toMatch(
      /rule R11 .* for 0x1000003000, where nothing is mapped/,
    );
  });

  it('R10: the device may write what the CPU may not', () => {
    const protect = ({ mm }: World): void => {
      mm.pageTable.set(PAGE, mm.pageTable.get(PAGE) & ~PTE_WRITE);
    };
    expect(verdict(3, protect)).toMatch(/rule R10 .* it may write 0x1000003000, the CPU may not/);
  });

  it.each<[string, (world: World) => void, RegExp]>([
    [
      'a reference',
      ({ files, system }) => {
        system.memory.frames.get(system.memory.frames.folioOf(files.get('m')?.inode.mapping.pages.get(3) ?? 0));
      },
      /folio \d+ of \d+ pages has 17 references, not 16/,
    ],
    ['a frame', ({ system }) => void system.memory.allocate(0), /folio \d+ of 1 pages is nobody's and not free/],
    [
      'a folio of a mapping that is not in its cache',
      ({ files }) => {
        files.get('m')?.inode.mapping.pages.delete(0);
      },
      /folio \d+ of 16 pages is not in the cache of /,
    ],
    [
      'a pin',
      ({ system }) => {
        system.pins.pinned++;
      },
      /1 pages are pinned/,
    ],
  ])('R19: %s is left', (_what, meddle, message) => {
    expect(verdict(2, meddle)).toMatch(message);
  });
});
