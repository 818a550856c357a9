import { messageOf } from '../src/engine/index.js';

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
