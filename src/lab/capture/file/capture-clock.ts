import type { CapturedFrame } from './captured-frame.js';

const NS_PER_SECOND = 1_000_000_000;

/**
 * Turns the stamps of a capture into integer nanoseconds since its first frame.
 *
 * Stamps are kept as seconds and nanoseconds until they are subtracted, because nanoseconds since 1970 do not fit a
 * double. A stamp that goes backwards (two capture queues, a stepped clock) is held at the latest time and counted.
 */
export class CaptureClock {
  startSeconds = 0;
  startNanoseconds = 0;
  /** Frames whose stamp was earlier than that of the frame before. */
  backwardSteps = 0;
  private started = false;
  private latestNs = 0;

  /** Sets `frame.timeNs`. A frame without a stamp happens at the latest time seen. */
  stamp(frame: CapturedFrame): void {
    if (frame.stamped) {
      if (!this.started) {
        this.started = true;
        this.startSeconds = frame.seconds + Math.floor(frame.nanoseconds / NS_PER_SECOND);
        this.startNanoseconds = frame.nanoseconds % NS_PER_SECOND;
      }
      const ns = (frame.seconds - this.startSeconds) * NS_PER_SECOND + (frame.nanoseconds - this.startNanoseconds);
      if (ns < this.latestNs) this.backwardSteps++;
      else this.latestNs = Math.min(ns, Number.MAX_SAFE_INTEGER);
    }
    frame.timeNs = this.latestNs;
  }

  /** Stamp of the first frame, seconds since 1970. */
  get epochSeconds(): number {
    return this.startSeconds + this.startNanoseconds / NS_PER_SECOND;
  }

  /** Stamp of the first frame as ISO 8601 with all nine digits; undefined when no frame had one, or none a date holds. */
  get iso(): string | undefined {
    const date = new Date(this.startSeconds * 1000);
    if (!this.started || Number.isNaN(date.getTime())) return undefined;
    return date.toISOString().replace(/\.000Z$/, `.${String(this.startNanoseconds).padStart(9, '0')}Z`);
  }
}
