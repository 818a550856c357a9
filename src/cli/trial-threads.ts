import { availableParallelism } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';
import { Tinypool } from 'tinypool';
import { ENOUGH, untilEnough, type Batch, type Selected, type Tried } from '../trial/index.js';
import type { TrialTask } from './trial-worker.js';

/** Runs that a thread gets at once. */
const BATCH = 10;

/** Runs that do not come back until nothing more is tried. */
const PATIENCE = 3;

export interface ThreadOptions {
  /** Seconds of wall time after which a run that is not over counts as one that does not come back. */
  readonly timeout: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** A test, the parts that its runs fall into, and what came of each. */
interface Work {
  readonly selected: Selected;
  readonly parts: readonly Selected[];
  readonly results: (Batch | undefined)[];
  failed: number;
  hung: Tried['hung'];
  givenUp: boolean;
}

/**
 * Runs tests on as many threads as there are processors. A run that stands still in virtual time ends by itself; one that never
 * gives its thread back (a driver that loops without yielding) is ended with its thread, and its test with it.
 */
export async function tryInThreads(
  driver: string,
  tests: readonly Selected[],
  { timeout, onProgress }: ThreadOptions,
): Promise<Tried[]> {
  const works = tests.map(workOf);
  const queue = works.flatMap((work) => work.parts.map((part, i) => ({ work, part, i })));
  const threads = Math.max(1, Math.min(availableParallelism(), queue.length));
  const filename = new URL('./trial-worker.js', import.meta.url).href;
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  let next = 0;
  let hung = 0;
  const serve = async (): Promise<void> => {
    while (next < queue.length) {
      const { work, part, i } = queue[next++];
      onProgress(next, queue.length);
      if (work.hung !== null || work.failed >= ENOUGH) continue;
      if (hung >= PATIENCE) {
        work.givenUp = true;
        continue;
      }
      const result = await runPart(pool, driver, part, timeout);
      if (typeof result === 'number') {
        hung++;
        work.hung ??= { seed: result, seconds: timeout };
      } else {
        work.results[i] = result;
        work.failed += result.failures.length;
      }
    }
  };
  await Promise.all(Array.from({ length: threads }, serve));
  await pool.destroy();
  return works.map(({ selected, results, hung: of, givenUp }) => ({
    selected,
    batches: untilEnough(results),
    hung: of,
    givenUp,
  }));
}

function workOf(selected: Selected): Work {
  const { from, count } = selected;
  const parts = Array.from({ length: Math.ceil(count / BATCH) }, (_, i) => ({
    ...selected,
    from: from + i * BATCH,
    count: Math.min(BATCH, count - i * BATCH),
  }));
  return { selected, parts, results: parts.map(() => undefined), failed: 0, hung: null, givenUp: false };
}

/** Runs a part on a thread. @returns what came of it, or the seed of the run that did not come back */
async function runPart(pool: Tinypool, driver: string, selected: Selected, timeout: number): Promise<Batch | number> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const task: TrialTask = { driver, selected, progress };
  const abort = new AbortController();
  let seen = 0;
  const watchdog = setInterval(() => {
    const begun = Atomics.load(progress, 0);
    if (begun === seen) abort.abort();
    seen = begun;
  }, timeout * 1000);
  try {
    return (await pool.run(task, { signal: abort.signal })) as Batch;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    const seed = Atomics.load(progress, 1);
    return seed === 0 ? selected.from : seed;
  } finally {
    clearInterval(watchdog);
  }
}
