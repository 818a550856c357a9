/** An interval in a tree; keep it to remove it again. */
export interface TreeInterval<T> {
  readonly start: number;
  /** Last number inside: inclusive, as in Linux's interval trees. */
  readonly last: number;
  readonly value: T;
  /** Order of insertion. */
  readonly serial: number;
}

class Node<T> implements TreeInterval<T> {
  left: Node<T> | null = null;
  right: Node<T> | null = null;
  /** Greatest `last` in this subtree: lets a query skip subtrees that end before it. */
  maxLast: number;

  constructor(
    readonly start: number,
    readonly last: number,
    readonly value: T,
    readonly serial: number,
    readonly priority: number,
  ) {
    this.maxLast = last;
  }
}

/** Up to this many intervals a scan in order beats a walk of the tree. */
const SCANNED = 32;

/**
 * Intervals by overlap, in order of start and then of insertion: an augmented treap. Insert and remove are O(log n), a
 * query is O(log n + hits). The shape depends on the insertions only, never on a random number.
 */
export class IntervalTree<T> {
  private root: Node<T> | null = null;
  private serial = 0;
  private count = 0;
  /** All nodes in order while they are few; null when it has to be made anew. */
  private flat: readonly Node<T>[] | null = null;

  get size(): number {
    return this.count;
  }

  /** @param last last number inside, at least `start` */
  insert(start: number, last: number, value: T): TreeInterval<T> {
    const serial = this.serial++;
    const node = new Node(start, last, value, serial, mixed(serial));
    this.root = inserted(this.root, node);
    this.count++;
    this.flat = null;
    return node;
  }

  /** @returns false if it is not in the tree */
  remove(interval: TreeInterval<T>): boolean {
    const before = this.count;
    this.root = this.without(this.root, interval);
    this.flat = null;
    return this.count < before;
  }

  /** Calls `visit` for every interval that shares at least one number with [start, last]. */
  forEachOverlap(start: number, last: number, visit: (value: T, interval: TreeInterval<T>) => void): void {
    if (this.root === null) return;
    if (this.count > SCANNED) {
      visitOverlaps(this.root, start, last, visit);
      return;
    }
    const nodes = (this.flat ??= this.inOrder());
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      if (node.start > last) return;
      if (node.last >= start) visit(node.value, node);
    }
  }

  /** All values in order. */
  values(): T[] {
    return this.inOrder().map((node) => node.value);
  }

  private inOrder(): Node<T>[] {
    const nodes: Node<T>[] = [];
    const visit = (node: Node<T> | null): void => {
      if (node === null) return;
      visit(node.left);
      nodes.push(node);
      visit(node.right);
    };
    visit(this.root);
    return nodes;
  }

  private without(node: Node<T> | null, target: TreeInterval<T>): Node<T> | null {
    if (node === null) return null;
    if (node === target) {
      this.count--;
      return merged(node.left, node.right);
    }
    if (precedes(target, node)) node.left = this.without(node.left, target);
    else node.right = this.without(node.right, target);
    return refreshed(node);
  }
}

function precedes<T>(a: TreeInterval<T>, b: TreeInterval<T>): boolean {
  return a.start < b.start || (a.start === b.start && a.serial < b.serial);
}

function refreshed<T>(node: Node<T>): Node<T> {
  let max = node.last;
  if (node.left !== null && node.left.maxLast > max) max = node.left.maxLast;
  if (node.right !== null && node.right.maxLast > max) max = node.right.maxLast;
  node.maxLast = max;
  return node;
}

function inserted<T>(root: Node<T> | null, node: Node<T>): Node<T> {
  if (root === null) return node;
  if (node.priority > root.priority) {
    const [left, right] = split(root, node);
    node.left = left;
    node.right = right;
    return refreshed(node);
  }
  if (precedes(node, root)) root.left = inserted(root.left, node);
  else root.right = inserted(root.right, node);
  return refreshed(root);
}

function split<T>(root: Node<T> | null, at: Node<T>): [Node<T> | null, Node<T> | null] {
  if (root === null) return [null, null];
  if (precedes(root, at)) {
    const [left, right] = split(root.right, at);
    root.right = left;
    return [refreshed(root), right];
  }
  const [left, right] = split(root.left, at);
  root.left = right;
  return [left, refreshed(root)];
}

function merged<T>(left: Node<T> | null, right: Node<T> | null): Node<T> | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = merged(left.right, right);
    return refreshed(left);
  }
  right.left = merged(left, right.left);
  return refreshed(right);
}

function visitOverlaps<T>(
  node: Node<T>,
  start: number,
  last: number,
  visit: (value: T, interval: TreeInterval<T>) => void,
): void {
  if (node.left !== null && node.left.maxLast >= start) visitOverlaps(node.left, start, last, visit);
  if (node.start > last) return;
  if (node.last >= start) visit(node.value, node);
  if (node.right !== null && node.right.maxLast >= start) visitOverlaps(node.right, start, last, visit);
}

/** Spreads a serial number over 32 bits (murmur3's mixer): the treap's priorities. */
function mixed(serial: number): number {
  let h = Math.imul(serial ^ (serial >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
