import type { Skip } from '../capture/index.js';
import type { ColumnResult } from './column.js';
import type { Comparison } from './compare.js';

/** What `pinless compare --json` prints. Times in virtual ns, sizes in bytes, pages of 4 KiB. */
export interface ComparisonJson {
  readonly capture: string;
  readonly seed: number;
  readonly fileSystem: string;
  readonly device: string;
  readonly disk: string;
  readonly fsyncPeriodNs: number;
  readonly frames: number;
  /** Frames and requests of the capture that could not be used, by reason. */
  readonly skips: readonly Skip[];
  /** Why reading ended early, if it did. */
  readonly damage?: { readonly frame: number; readonly offset: number; readonly problem: string };
  readonly columns: readonly ColumnResult[];
  readonly traceSha256: string;
}

export function comparisonJson({ summary, options, columns, traceSha256 }: Comparison): ComparisonJson {
  const { damage } = summary;
  return {
    capture: options.capture,
    seed: options.seed,
    fileSystem: options.fileSystem,
    device: options.device.name,
    disk: options.disk.name,
    fsyncPeriodNs: options.fsyncPeriod,
    frames: summary.frames,
    skips: summary.skips,
    ...(damage === undefined
      ? {}
      : { damage: { frame: damage.frame, offset: damage.offset, problem: damage.problem } }),
    columns,
    traceSha256,
  };
}

/** True if any column lost, tore or could not read back data that had been promised, or served data older than that. */
export function foundLoss({ columns }: Comparison): boolean {
  return columns.some(
    ({ lostBytes, tornBlocks, badChecksums, staleReads }) => lostBytes + tornBlocks + badChecksums + staleReads > 0,
  );
}
