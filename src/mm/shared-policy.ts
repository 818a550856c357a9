import type { Vma } from './vma.js';

/** The node of a task that has no policy: the one that its CPU is on. */
const LOCAL_NODE = 0;

interface PolicyRange {
  readonly first: number;
  /** First page behind it. */
  readonly end: number;
  readonly node: number;
}

/**
 * Linux's struct shared_policy: from which NUMA nodes pages of an object in memory come, whoever maps it and whether anybody
 * does.
 */
export class SharedPolicy {
  private ranges: readonly PolicyRange[] = [];

  /** mpol_set_shared_policy, of pages [first, end). @param node null to forget what was said of them */
  set(first: number, end: number, node: number | null): void {
    const kept = this.ranges.flatMap((range) => [
      { ...range, end: Math.min(range.end, first) },
      { ...range, first: Math.max(range.first, end) },
    ]);
    if (node !== null) kept.push({ first, end, node });
    this.ranges = kept.filter((range) => range.first < range.end);
  }

  /** mpol_shared_policy_lookup: null if nothing was said of the page. */
  lookup(index: number): number | null {
    return this.ranges.find((range) => range.first <= index && index < range.end)?.node ?? null;
  }

  /** shmem_get_pgoff_policy: the node from which a new page comes. */
  nodeOf(index: number): number {
    return this.lookup(index) ?? LOCAL_NODE;
  }
}

/** get_vma_policy: the node from which a new page at `address` comes. An object's own policy goes before the mapping's. */
export function policyNodeOf(vma: Vma, address: number): number {
  const ops = vma.file?.vmOps;
  const node = ops?.getPolicy === undefined ? vma.policyNode : ops.getPolicy(vma.pageIndex(address));
  return node ?? LOCAL_NODE;
}

/** vma_replace_policy. */
export function replacePolicy(vma: Vma, node: number | null): void {
  vma.file?.vmOps.setPolicy?.(vma.pgoff, vma.pageIndex(vma.end), node);
  vma.policyNode = node;
}
