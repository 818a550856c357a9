import { PAGE_SIZE, pageOf } from '../../../base/index.js';
import { mbind, movePages, pteFrame, ptePresent, type MmStruct } from '../../../mm/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import { pagesOf } from '../pages-of.js';

/** Between the nodes of a machine that has two. */
export const numaOps = {
  *move_pages(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const addresses = pagesOf(args).map((page) => addressIn(area, page));
    const { statuses, left } = yield* movePages(mm, addresses, otherNode(mm, addresses[0]));
    const pages = statuses.map((status) => status ?? '?');
    return left > 0 ? { pages, ret: left } : { pages };
  },

  *mbind(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const node = args.policy === 'default' ? null : otherNode(mm, addressIn(area, args.ref ?? args.first));
    yield* mbind(mm, addressIn(area, args.first), args.pages * PAGE_SIZE, node);
    return DONE;
  },
} satisfies OpHandlers;

/** The node on which a page is not; node 1 if it is nowhere. */
function otherNode(mm: MmStruct, address: number): number {
  const pte = mm.pageTable.get(pageOf(address));
  return ptePresent(pte) ? 1 - mm.system.memory.nodeOf(pteFrame(pte)) : 1;
}
