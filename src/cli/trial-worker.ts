import { runBatch, subjectOf, type Batch, type Selected, type Subject } from '../trial/index.js';
import { loadPlugin } from './load-drivers.js';

/** What a thread tries a driver with. */
export interface TrialTask {
  readonly driver: string;
  readonly selected: Selected;
  /** Two integers that the thread writes: how many runs it has begun, and the seed of the last. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** The thread's driver: loaded once. */
const subjects = new Map<string, Promise<Subject>>();

/** Tries a driver: the work of one thread. */
export default async function tryDriver({ driver, selected, progress }: TrialTask): Promise<Batch> {
  let subject = subjects.get(driver);
  if (subject === undefined) {
    subject = loadPlugin('check-driver', driver).then(subjectOf);
    subjects.set(driver, subject);
  }
  return runBatch(await subject, selected, (seed) => {
    Atomics.store(progress, 1, seed);
    Atomics.add(progress, 0, 1);
  });
}
