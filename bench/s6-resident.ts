import 'reflect-metadata';
import { createWorld } from '../src/kernel/index.js';
import { ADVICES, handleMmFault, madvise } from '../src/mm/index.js';
import type { Task } from '../src/engine/index.js';

const PAGES = 10_000_000;
const SPACE = 2 ** 40;
/** Runs of 256 MiB spread over the space, as heaps and mappings are. */
const RUN_PAGES = 65_536;

/** What S6 prints. */
export interface ResidentSet {
  readonly id: 'S6';
  readonly what: string;
  /** What is kept per page once garbage is collected: objects and typed arrays, all of it metadata, as no page holds bytes. */
  readonly bytesPerPage: number;
  /** Growth of the process per page, garbage and compiled code included. */
  readonly rssBytesPerPage: number;
  readonly rssMiB: number;
  readonly bound: { readonly bytesPerPage: number; readonly rssMB: number };
  readonly met: boolean;
}

/** Bytes that objects and typed arrays take. */
function kept(): number {
  if (globalThis.gc === undefined) throw new Error('S6 needs node --expose-gc');
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** S6: ten million anonymous pages, faulted in for writing, over 1 TiB of address space. */
export function s6(): ResidentSet {
  const before = { kept: kept(), rss: process.memoryUsage().rss };
  const world = createWorld({
    memory: (PAGES + RUN_PAGES) * 4096,
    bytes: false,
    costs: { minorFault: 0, pageMkwrite: 0, pteFlush: 0 },
  });
  const { kernel, simulation } = world;
  const process_ = kernel.createProcess('big');
  function* populate(): Task {
    const runs = Math.ceil(PAGES / RUN_PAGES);
    const vma = yield* kernel.mmap(process_, { address: 0, length: SPACE, prot: 'rw', share: 'private' });
    // Pages, not the huge pages that they would be.
    yield* madvise(process_.mm, 0, SPACE, ADVICES.nohugepage);
    for (let page = 0; page < PAGES; page++) {
      const run = Math.floor(page / RUN_PAGES);
      const address = Math.floor((run * SPACE) / runs / 4096) * 4096 + (page % RUN_PAGES) * 4096;
      yield* handleMmFault(vma, address, true);
    }
  }
  simulation.runTask('populate', populate());
  const { rss } = process.memoryUsage();
  const bytesPerPage = (kept() - before.kept) / PAGES;
  if (kernel.mm.memory.freeFrames > RUN_PAGES) throw new Error('S6: some pages are not resident');
  const bound = { bytesPerPage: 24, rssMB: 450 };
  return {
    id: 'S6',
    what: '10 million resident anonymous pages over 1 TiB',
    bytesPerPage: Number(bytesPerPage.toFixed(1)),
    rssBytesPerPage: Number(((rss - before.rss) / PAGES).toFixed(1)),
    rssMiB: Math.round(rss / 2 ** 20),
    bound,
    met: bytesPerPage <= bound.bytesPerPage && rss <= bound.rssMB * 1e6,
  };
}
