import { comparePages } from '../base/index.js';
import type { RmapItem, StableNode } from './ksm-node.js';
import { PG_KSM } from './page-flags.js';
import type { PhysicalMemory } from './physical-memory.js';

/** The pages that ksmd has merged, by what they hold. All of them are read-only, so that their order stays right. */
export class StableTree {
  /** max_page_sharing: most mappings of one merged page; others get another one with the same contents. */
  maxPageSharing = 256;
  /** Merged pages that are in use. */
  pagesShared = 0;
  /** How many more pages there would be without them. */
  pagesSharing = 0;

  /** Chains of pages that hold the same, in order; of most there is only one. */
  private readonly chains: StableNode[][] = [];

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly newNode: (folio: number) => StableNode,
  ) {}

  /**
   * stable_tree_search: the merged page that holds what `frame` does, with a reference; the frame itself if it is one.
   * @returns -1 if there is none, or none that may have another mapping; `busy` if it is just being used
   */
  search(frame: number, itself: StableNode | null): number | 'busy' {
    const { memory } = this;
    if (itself !== null) {
      memory.frames.get(frame);
      return frame;
    }
    const { chain } = this.find(frame);
    const node = chain === null ? null : this.pick(chain);
    if (node === null || !this.mayShare(node)) return -1;
    if (memory.isLocked(node.folio)) return 'busy';
    memory.frames.get(node.folio);
    return node.folio;
  }

  /** stable_tree_insert: the frame is a merged page from now on. */
  insert(frame: number): StableNode {
    const { chain, at } = this.find(frame);
    const node = this.newNode(frame);
    if (chain === null) this.chains.splice(at, 0, [node]);
    else chain.unshift(node);
    this.memory.frames.owner[frame] = node.id;
    return node;
  }

  /** stable_tree_append. */
  append(item: RmapItem, node: StableNode): void {
    item.head = node;
    node.items.unshift(item);
    if (node.items.length > 1) this.pagesSharing++;
    else this.pagesShared++;
  }

  /** remove_rmap_item_from_tree, of an item that shares a merged page. */
  remove(item: RmapItem, node: StableNode): void {
    if (this.dropIfStale(node)) return;
    node.items.splice(node.items.indexOf(item), 1);
    if (node.items.length > 0) this.pagesSharing--;
    else this.pagesShared--;
    forget(item);
  }

  /** The chain that holds what a frame does, or where it would be. Pages that have gone are dropped on the way. */
  private find(frame: number): { readonly chain: StableNode[] | null; readonly at: number } {
    const { chains, memory } = this;
    let low = 0;
    let high = chains.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const node = this.pick(chains[middle]);
      if (node === null) {
        // The tree has changed: from the beginning.
        low = 0;
        high = chains.length;
        continue;
      }
      const order = comparePages(memory.contents, frame, node.folio);
      if (order === 0) return { chain: chains[middle], at: middle };
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return { chain: null, at: low };
  }

  /** stable_node_dup: the first page of a chain that may have another mapping, or else any. Null if all have gone. */
  private pick(chain: StableNode[]): StableNode | null {
    const live = [...chain].filter((node) => !this.dropIfStale(node));
    const found = live.find((node) => this.mayShare(node)) ?? live.at(0) ?? null;
    if (found !== null && live[0] !== found && this.mayShare(found, 1)) {
      chain.splice(chain.indexOf(found), 1);
      chain.unshift(found);
    }
    return found;
  }

  /** is_page_sharing_candidate. */
  private mayShare({ items }: StableNode, more = 0): boolean {
    return items.length > 0 && items.length + more < this.maxPageSharing;
  }

  /** ksm_get_folio: whether the page has gone. If so, remove_node_from_stable_tree. */
  private dropIfStale(node: StableNode): boolean {
    const { frames } = this.memory;
    const { folio, items } = node;
    if (frames.isAllocated(folio) && frames.has(folio, PG_KSM) && frames.owner[folio] === node.id) return false;
    if (items.length > 0) {
      this.pagesShared--;
      this.pagesSharing -= items.length - 1;
    }
    for (const item of items.splice(0)) forget(item);
    const at = this.chains.findIndex((chain) => chain.includes(node));
    if (at >= 0) {
      const chain = this.chains[at];
      chain.splice(chain.indexOf(node), 1);
      if (chain.length === 0) this.chains.splice(at, 1);
    }
    return true;
  }
}

function forget(item: RmapItem): void {
  item.head = null;
  item.anonVma = null;
}
