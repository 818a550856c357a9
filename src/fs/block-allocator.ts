/** Which blocks of a disk are free, and which ones belong to more than one page. */
export class BlockAllocator {
  private next = 1;
  private readonly freed: number[] = [];
  /** References beyond the first, of blocks that have any. */
  private readonly shares = new Map<number, number>();

  /** A free block; or the first of `count` new ones in a row. */
  allocate(count = 1): number {
    const reused = count === 1 ? this.freed.pop() : undefined;
    if (reused !== undefined) return reused;
    const first = this.next;
    this.next += count;
    return first;
  }

  /** One more page refers to the block. */
  share(block: number): void {
    this.shares.set(block, (this.shares.get(block) ?? 0) + 1);
  }

  isShared(block: number): boolean {
    return this.shares.has(block);
  }

  /** A page does not refer to the block any more. */
  free(block: number): void {
    const others = this.shares.get(block) ?? 0;
    if (others > 1) this.shares.set(block, others - 1);
    else if (others === 1) this.shares.delete(block);
    else this.freed.push(block);
  }
}
