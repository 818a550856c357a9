import { SimulationError } from '../src/engine/index.js';

/** Rules that the notifiers themselves keep, whoever watches: what breaks one cannot go on. */
export type ProtocolRule = 'R4' | 'R6' | 'R7' | 'R9';

/** A driver, or the kernel, used a notification against its rules. */
export class ProtocolError extends SimulationError {
  override readonly name = 'ProtocolError';

  /** @param who the driver's name, or the kernel */
  constructor(
    readonly rule: ProtocolRule,
    readonly who: string,
    /** The range that it is about. */
    readonly range: string,
    message: string,
  ) {
    super(message);
  }
}
