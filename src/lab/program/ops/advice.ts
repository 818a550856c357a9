import { PAGE_SIZE } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import { VM_HUGEPAGE, VM_NOHUGEPAGE, madviseDontneed, madviseRemove, type MmStruct } from '../../../mm/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import type { Advice } from '../op-table.js';
import { NotModelled } from '../program-error.js';

type Advise = (mm: MmStruct, address: number, length: number) => Task;

/** madvise(2) by advice. */
const ADVICES: Readonly<Partial<Record<Advice, Advise>>> = {
  dontneed: madviseDontneed,
  remove: madviseRemove,
  nohugepage: noHugePages,
};

export const adviceOps = {
  *madvise(world, args) {
    const area = world.areas.get(args.map);
    yield* madviseByName(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE, args.advice);
    return DONE;
  },
} satisfies OpHandlers;

/** @throws Errno as madvise(2); NotModelled */
export function* madviseByName(mm: MmStruct, address: number, length: number, advice: Advice): Task {
  const advise = ADVICES[advice];
  if (advise === undefined) throw new NotModelled(`madvise ${advice} is not modelled`);
  yield* advise(mm, address, length);
}

/** hugepage_madvise with MADV_NOHUGEPAGE, of whole mappings. */
function* noHugePages(mm: MmStruct, address: number, length: number): Task {
  for (const vma of mm.vmas.overlapping(address, address + length)) {
    if (vma.start < address || vma.end > address + length) throw new NotModelled('MADV_NOHUGEPAGE of a part');
    vma.flags = (vma.flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
  }
}
