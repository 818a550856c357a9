import { PageContents, UNWRITTEN } from './page-contents.js';

/** Where the bytes of a write are: `source[base + offset in the page]`. */
interface WriteSource {
  readonly source: Uint8Array;
  readonly base: number;
}

/** What was written, by stamp; shared by all contents between which pages are copied. */
export class WriteSources {
  private readonly byStamp: (WriteSource | undefined)[] = [];

  /** @throws Error if another piece was written under this stamp */
  add(stamp: number, source: Uint8Array, base: number): void {
    const before = this.byStamp[stamp];
    if (before !== undefined && (before.source !== source || before.base !== base)) {
      throw new Error(`two pieces of data were written under the stamp ${String(stamp)}`);
    }
    this.byStamp[stamp] = { source, base };
  }

  get(stamp: number): WriteSource | undefined {
    return this.byStamp[stamp];
  }
}

/**
 * Pages that keep no bytes of their own but know where those that were written still are. Right for short runs with much
 * copying: nothing is copied but stamps. Whoever writes must not change the source afterwards, and must give every page's
 * piece a stamp of its own.
 */
export class ReferencedContents extends PageContents {
  constructor(private readonly writes: WriteSources) {
    super(false);
  }

  override get tellsBytes(): boolean {
    return true;
  }

  override write(...[page, offset, length, stamp, source, sourceOffset = 0]: Parameters<PageContents['write']>): void {
    if (source !== null) this.writes.add(stamp, source, sourceOffset - offset);
    super.write(page, offset, length, stamp, null);
  }

  override writeLater(...write: Parameters<PageContents['writeLater']>): void {
    this.write(...write);
  }

  override read(page: number, offset: number, target: Uint8Array, targetOffset: number, length: number): void {
    this.forEachRun(page, offset, offset + length, (start, end, stamp) => {
      const write = stamp === UNWRITTEN ? undefined : this.writes.get(stamp);
      const at = targetOffset + start - offset;
      if (write === undefined) target.fill(0, at, at + end - start);
      else if (end - start === 1) target[at] = write.source[write.base + start];
      else target.set(write.source.subarray(write.base + start, write.base + end), at);
    });
  }
}
