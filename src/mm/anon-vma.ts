import { IntervalTree, type TreeInterval } from '../base/index.js';
import type { Vma } from './vma.js';

/** The mappings in which one family of anonymous pages may appear: Linux's struct anon_vma. */
export class AnonVma {
  /** Mappings by the linear page indices that they span. */
  readonly vmas = new IntervalTree<Vma>();

  /** @internal made by MmSystem.newAnonVma */
  constructor(
    /** Number by which frames name their owner, never reused. */
    readonly id: number,
    /** linear_page_index from which its frames count their indices, so that these fit 32 bits. */
    readonly base: number,
  ) {}
}

/** A mapping's place in one anon_vma: Linux's struct anon_vma_chain. */
export interface AnonVmaLink {
  readonly anonVma: AnonVma;
  node: TreeInterval<Vma>;
}

/** __anon_vma_prepare: the family to which a mapping's new anonymous pages belong; a neighbour's if it can be shared. */
export function anonVmaPrepare(vma: Vma): AnonVma {
  if (vma.anonVma !== null) return vma.anonVma;
  const anonVma = findMergeableAnonVma(vma) ?? vma.mm.system.newAnonVma(vma.pgoff);
  vma.anonVma = anonVma;
  link(vma, anonVma);
  return anonVma;
}

/** anon_vma_clone: `to` may come to show any page that `from` may. */
export function anonVmaClone(to: Vma, from: Vma): void {
  for (const { anonVma } of from.anonVmaChain) link(to, anonVma);
}

/** anon_vma_fork: a child's mapping shows what the parent's did, and has pages of its own. */
export function anonVmaFork(child: Vma, parent: Vma): void {
  if (parent.anonVma === null) return;
  anonVmaClone(child, parent);
  child.anonVma = child.mm.system.newAnonVma(child.pgoff);
  link(child, child.anonVma);
}

/** unlink_anon_vmas. */
export function unlinkAnonVmas(vma: Vma): void {
  leaveAnonVmas(vma);
  vma.anonVmaChain.length = 0;
  vma.anonVma = null;
}

/** anon_vma_interval_tree_pre_update_vma: before `start`, `end` or `pgoff` of a mapping changes. */
export function leaveAnonVmas(vma: Vma): void {
  for (const { anonVma, node } of vma.anonVmaChain) anonVma.vmas.remove(node);
}

/** anon_vma_interval_tree_post_update_vma. */
export function enterAnonVmas(vma: Vma): void {
  for (const entry of vma.anonVmaChain) entry.node = insert(vma, entry.anonVma);
}

function link(vma: Vma, anonVma: AnonVma): void {
  if (vma.anonVmaChain.some((entry) => entry.anonVma === anonVma)) return;
  vma.anonVmaChain.push({ anonVma, node: insert(vma, anonVma) });
}

function insert(vma: Vma, anonVma: AnonVma): TreeInterval<Vma> {
  return anonVma.vmas.insert(vma.pgoff, vma.pageIndex(vma.end) - 1, vma);
}

/** find_mergeable_anon_vma: a neighbour's, if the two mappings could become one when their rights are equal. */
function findMergeableAnonVma(vma: Vma): AnonVma | null {
  const { vmas } = vma.mm;
  const next = vmas.at(vma.end);
  if (next !== null) {
    const shared = reusableAnonVma(next, vma, next);
    if (shared !== null) return shared;
  }
  const previous = vma.start > 0 ? vmas.at(vma.start - 1) : null;
  return previous === null ? null : reusableAnonVma(previous, previous, vma);
}

function reusableAnonVma(old: Vma, lower: Vma, upper: Vma): AnonVma | null {
  if (old.anonVmaChain.length !== 1 || !lower.couldJoin(upper)) return null;
  return old.anonVma;
}
