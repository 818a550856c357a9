import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';
import type { Comparison } from './compare-run.js';
import { findRecordings } from './load-recordings.js';
import type { ConformTask } from './worker.js';

export interface ConformOptions {
  readonly paths: readonly string[];
  /** Kinds to run; absent: all. */
  readonly kinds?: readonly string[];
  /** Files to run at most. */
  readonly limit?: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** Files that a thread gets at once. */
const BATCH = 16;

/** Runs every recorded program of some paths, on all cores. @throws Error for a path or a kind without recordings */
export async function conform({ paths, kinds, limit, onProgress }: ConformOptions): Promise<Comparison[]> {
  const chosen = findRecordings(paths)
    .filter((file) => mayHave(file, kinds))
    .slice(0, limit);
  const pool = new Tinypool({
    filename: new URL('./worker.js', import.meta.url).href,
    maxThreads: availableParallelism(),
  });
  let done = 0;
  const batches: (readonly string[])[] = [];
  for (let i = 0; i < chosen.length; i += BATCH) batches.push(chosen.slice(i, i + BATCH));
  const results = await Promise.all(
    batches.map(async (batch) => {
      const task: ConformTask = { files: batch, ...(kinds === undefined ? {} : { kinds }) };
      const comparisons = (await pool.run(task)) as Comparison[];
      done += batch.length;
      onProgress(done, chosen.length);
      return comparisons;
    }),
  );
  await pool.destroy();
  const comparisons = results.flat();
  const missing = kinds?.find((kind) => comparisons.every((comparison) => comparison.kind !== kind));
  if (missing !== undefined && (limit === undefined || comparisons.length === 0)) {
    throw new Error(`there are no recordings of kind ${missing}`);
  }
  return comparisons;
}

/** A file that is named after its one program, or a bundle after its kind, need not be opened to know the kind. */
function mayHave(file: string, kinds: readonly string[] | undefined): boolean {
  const match = /(?:^|\/)(?:\d+-(\w+)\.json|(\w+)\.jsonl)(?:\.gz|\.br)?$/.exec(file);
  const kind = match?.[1] ?? match?.[2];
  return kinds === undefined || kind === undefined || kinds.includes(kind);
}
