import type { PhysicalMemory } from './physical-memory.js';

/** collapse_control.node_load: how many of the pages that are to be collapsed are on each NUMA node. */
export class NodeLoad {
  private readonly pages: number[];

  constructor(private readonly memory: PhysicalMemory) {
    this.pages = new Array<number>(memory.nodes).fill(0);
  }

  add(frame: number): void {
    this.pages[this.memory.nodeOf(frame)]++;
  }

  /** hpage_collapse_find_target_node: the node of most pages, the first of several. */
  get targetNode(): number {
    return this.pages.indexOf(Math.max(...this.pages));
  }
}
