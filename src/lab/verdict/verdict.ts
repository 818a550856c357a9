import { PAGE_SIZE } from '../../base/index.js';
import type { Inode } from '../../fs/index.js';
import type { AcknowledgedData } from './acknowledged-data.js';

/** What a power loss takes, in bytes and 4 KiB blocks. */
export interface Verdict {
  /** Bytes acknowledged before an fsync that returned, which the disk does not have. */
  readonly lostBytes: number;
  /** Blocks that hold a part of an acknowledged request's bytes and lack another part of them. */
  readonly tornBlocks: number;
  /** Blocks whose checksum does not match their data. Their bytes cannot be read, and count as lost. */
  readonly badChecksums: number;
}

/** Nothing was lost. */
export const NO_HARM: Verdict = { lostBytes: 0, tornBlocks: 0, badChecksums: 0 };

/** `a` and `sign` times `b`. */
export function addVerdicts(a: Verdict, b: Verdict, sign: 1 | -1 = 1): Verdict {
  return {
    lostBytes: a.lostBytes + sign * b.lostBytes,
    tornBlocks: a.tornBlocks + sign * b.tornBlocks,
    badChecksums: a.badChecksums + sign * b.badChecksums,
  };
}

/** Of each count the greater one. */
export function worseOf(a: Verdict, b: Verdict): Verdict {
  return {
    lostBytes: Math.max(a.lostBytes, b.lostBytes),
    tornBlocks: Math.max(a.tornBlocks, b.tornBlocks),
    badChecksums: Math.max(a.badChecksums, b.badChecksums),
  };
}

/**
 * Compares what the disk durably has of a file with what was promised: what a power loss leaves, or would leave now if it
 * took the whole of the disk's cache.
 *
 * A byte is lost if the write that the disk has is older than the last one that was acknowledged before an fsync began
 * which has returned. It does not matter whether the two happen to carry the same value.
 */
export function judge(inode: Inode, data: AcknowledgedData): Verdict {
  return data.promised.writtenPages().reduce((all, page) => addVerdicts(all, judgePage(inode, data, page)), NO_HARM);
}

/** The same for one page; a page of which nothing was promised is no harm, whatever it holds. */
export function judgePage(inode: Inode, data: AcknowledgedData, page: number): Verdict {
  const record = page < inode.mapping.sizeInPages ? inode.blocks.durableRecord(page) : undefined;
  const readable = record !== undefined && inode.fs.isIntact(record.block, record.checksum);
  let lostBytes = 0;
  let promisedBytes = 0;
  const lost = new Set<number>();
  const kept = new Set<number>();
  data.promised.forEachRun(page, 0, PAGE_SIZE, (start, end, promised) => {
    if (promised === 0) return;
    promisedBytes += end - start;
    if (!readable) {
      lostBytes += end - start;
      return;
    }
    const request = data.requestOfStamp(promised);
    inode.fs.device.media.forEachRun(record.block, start, end, (from, to, found) => {
      if (found >= promised) {
        kept.add(data.requestOfStamp(found));
      } else {
        lost.add(request);
        lostBytes += to - from;
      }
    });
  });
  return {
    lostBytes,
    tornBlocks: [...lost].some((request) => kept.has(request)) ? 1 : 0,
    badChecksums: promisedBytes > 0 && record !== undefined && !readable ? 1 : 0,
  };
}
