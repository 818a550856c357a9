import { availableParallelism } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';
import { Tinypool } from 'tinypool';
import { messageOf } from '../engine/index.js';
import { isEnough, untilEnough, type Batch, type Selected, type Tried } from '../trial/index.js';
import type { TrialTask } from './trial-worker.js';

/** Runs that a thread gets at once. */
const BATCH = 10;

/** Runs that are lost with their threads until nothing more is tried. */
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
  enough: boolean;
  lost: Tried['lost'];
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
  let lost = 0;
  const serve = async (): Promise<void> => {
    while (next < queue.length) {
      const { work, part, i } = queue[next++];
      onProgress(next, queue.length);
      if (work.lost !== null || work.enough) continue;
      if (lost >= PATIENCE) {
        work.givenUp = true;
        continue;
      }
      const result = await runPart(pool, driver, part, timeout);
      if ('why' in result) {
        lost++;
        work.lost ??= result;
      } else {
        work.results[i] = result;
        work.enough ||= isEnough(work.results.flatMap((each) => each?.failures ?? []));
      }
    }
  };
  await Promise.all(Array.from({ length: threads }, serve));
  await pool.destroy();
  return works.map(({ selected, results, lost: run, givenUp }) => ({
    selected,
    batches: untilEnough(results),
    lost: run,
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
  return { selected, parts, results: parts.map(() => undefined), enough: false, lost: null, givenUp: false };
}

/** Runs a part on a thread. @returns what came of it, or the run that was lost with the thread */
async function runPart(
  pool: Tinypool,
  driver: string,
  selected: Selected,
  timeout: number,
): Promise<Batch | NonNullable<Tried['lost']>> {
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
    const why = abort.signal.aborted
      ? `did not come back: a run of it has done nothing for ${String(timeout)} s`
      : `ended its thread: ${messageOf(error)}`;
    return { seed: Math.max(selected.from, Atomics.load(progress, 1)), why };
  } finally {
    clearInterval(watchdog);
  }
}
