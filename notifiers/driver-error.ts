import { isErrno } from '../src/base/index.js';
import { messageOf, type Task } from '../src/engine/index.js';

/** A driver's callback threw. Names the driver, the callback and the range it was called for. */
export class DriverError extends Error {
  override readonly name = 'DriverError';

  constructor(
    readonly driver: string,
    readonly callback: string,
    readonly subject: string,
    cause: unknown,
  ) {
    super(`driver "${driver}" threw in ${callback}(${subject}): ${messageOf(cause)}`, { cause });
  }
}

/** What a callback was called for: its name, or something that has one, which is only asked for it when it is needed. */
type Subject = string | { readonly name: string };

/**
 * A driver's task as its caller runs it: an error number passes, as it is an answer; anything else that comes out is the
 * driver's failure.
 * @throws DriverError
 */
export function* blaming<T>(driver: string, callback: string, subject: Subject, task: Task<T>): Task<T> {
  try {
    return yield* task;
  } catch (error) {
    if (isErrno(error) || error instanceof DriverError) throw error;
    throw new DriverError(driver, callback, typeof subject === 'string' ? subject : subject.name, error);
  }
}
