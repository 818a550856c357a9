import { PAGE_SIZE } from '../../base/index.js';
import type { Inode } from '../../fs/index.js';
import type { AcknowledgedData } from './acknowledged-data.js';

/** What a power loss found, in bytes and 4 KiB blocks. */
export interface Verdict {
  /** Bytes acknowledged before an fsync that returned, which the disk does not have. */
  readonly lostBytes: number;
  /** Blocks that hold a part of an acknowledged request's bytes and lack another part of them. */
  readonly tornBlocks: number;
  /** Blocks whose checksum does not match their data. Their bytes cannot be read, and count as lost. */
  readonly badChecksums: number;
}

/**
 * Compares what the disk has of a file, after power loss and recovery, with what was promised.
 *
 * A byte is lost if the write that the disk has is older than the last one that was acknowledged before an fsync began
 * which has returned. It does not matter whether the two happen to carry the same value.
 */
export function judge(inode: Inode, data: AcknowledgedData): Verdict {
  let lostBytes = 0;
  let tornBlocks = 0;
  let badChecksums = 0;
  const { media } = inode.fs.device;
  for (const page of data.promised.writtenPages()) {
    const record = page < inode.mapping.sizeInPages ? inode.blocks.durableRecord(page) : undefined;
    const readable = record !== undefined && inode.fs.isIntact(record.block, record.checksum);
    if (record !== undefined && !readable) badChecksums++;
    const lost = new Set<number>();
    const kept = new Set<number>();
    data.promised.forEachRun(page, 0, PAGE_SIZE, (start, end, promised) => {
      if (promised === 0) return;
      const request = data.requestOfStamp(promised);
      if (!readable) {
        lostBytes += end - start;
        return;
      }
      media.forEachRun(record.block, start, end, (from, to, found) => {
        if (found >= promised) {
          kept.add(request);
        } else {
          lost.add(request);
          lostBytes += to - from;
        }
      });
    });
    if ([...lost].some((request) => kept.has(request))) tornBlocks++;
  }
  return { lostBytes, tornBlocks, badChecksums };
}
