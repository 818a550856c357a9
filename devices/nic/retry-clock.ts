import type { Simulation, Timer } from '../../src/engine/index.js';
import { rnrTimerNs } from './wire/index.js';

/** What a requester allows the other side. */
export interface RetryAttributes {
  /** Local ACK Timeout: 4.096 us * 2^timeout; 0 waits for ever. */
  readonly timeout: number;
  /** Attempts after an ACK timeout or a sequence NAK. */
  readonly retryCnt: number;
  /** Attempts after an RNR NAK; 7 is without end. */
  readonly rnrRetry: number;
}

/** What a requester does when its clock says so. */
export interface RetryListener {
  /** Packets are on their way and nothing has been heard of them for a whole timeout. */
  timedOut(): void;
  /** The RNR wait is over. */
  rnrWaitOver(): void;
  /** Whether an acknowledgement is awaited now, and whether something else explains that none comes. */
  readonly awaitsAck: boolean;
  readonly excused: boolean;
  /** Whether the send queue is empty: the clock may stop. */
  readonly idle: boolean;
}

/**
 * When a requester has waited long enough, and how often it tries again (IBTA 9.7.6.1.3 ACK timeout, 9.7.5.2.8 RNR NAK).
 */
export class RetryClock {
  private attr!: RetryAttributes;
  private retriesLeft = 0;
  private rnrRetriesLeft = 0;
  private lastProgress = 0;
  private readonly ackTimer: Timer;
  private readonly rnrTimer: Timer;

  constructor(
    private readonly simulation: Simulation,
    name: string,
    private readonly listener: RetryListener,
  ) {
    this.ackTimer = simulation.timer(`${name} ACK timeout`, () => {
      this.onAckTimer();
    });
    this.rnrTimer = simulation.timer(`${name} RNR wait`, () => {
      this.lastProgress = simulation.now;
      listener.rnrWaitOver();
    });
  }

  start(attr: RetryAttributes): void {
    this.attr = attr;
    this.renew();
  }

  stop(): void {
    this.ackTimer.disarm();
    this.rnrTimer.disarm();
  }

  /** A packet was sent that wants to be acknowledged; `first` if none was on its way. */
  sent(first: boolean): void {
    if (first) this.lastProgress = this.simulation.now;
    if (!this.ackTimer.armed && this.attr.timeout > 0) this.ackTimer.arm(this.timeoutNs);
  }

  /** The other side made progress: it has all its attempts again. */
  progressed(): void {
    this.lastProgress = this.simulation.now;
    this.renew();
  }

  /** One more attempt after a timeout or a sequence NAK. False if there was none left. */
  takeRetry(): boolean {
    return this.retriesLeft-- > 0;
  }

  /**
   * Waits as long as an RNR NAK asks for.
   * @param code the 5-bit timer field of its AETH
   * @returns false if no attempt was left
   */
  waitForReceiver(code: number): boolean {
    if (this.attr.rnrRetry < 7 && this.rnrRetriesLeft-- === 0) return false;
    this.rnrTimer.arm(rnrTimerNs(code));
    return true;
  }

  private onAckTimer(): void {
    const { listener, simulation, timeoutNs } = this;
    if (!listener.awaitsAck && listener.idle) return;
    const due = this.lastProgress + timeoutNs;
    // Time spent in an RNR wait or a fault of our own does not count against the other side.
    if (listener.excused || !listener.awaitsAck || due > simulation.now) {
      this.ackTimer.arm(!listener.excused && due > simulation.now ? due - simulation.now : timeoutNs);
      return;
    }
    this.lastProgress = simulation.now;
    this.ackTimer.arm(timeoutNs);
    listener.timedOut();
  }

  private renew(): void {
    this.retriesLeft = this.attr.retryCnt;
    this.rnrRetriesLeft = this.attr.rnrRetry;
  }

  private get timeoutNs(): number {
    return 4_096 * 2 ** this.attr.timeout;
  }
}
