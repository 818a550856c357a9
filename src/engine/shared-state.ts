import {
  READ,
  UPDATE,
  WRITE,
  type Access,
  type SharedThing,
  type StateSink,
  type StepObserver,
} from './step-observer.js';

/** What is needed of a simulation by what its tasks share. */
export interface Observed {
  /** Null unless a search over schedules goes on. */
  readonly observer: StepObserver | null;
}

/** What an observer of steps must hear of when it is used. Without an observer that costs one comparison. */
export abstract class Shared implements SharedThing {
  /** @internal the number by which the observer knows it; -1 if nobody observes */
  readonly sharedId: number;

  /** @param partOf what it is a part of: both are the same to an observer */
  constructor(
    protected readonly scheduler: Observed,
    partOf?: Shared,
  ) {
    this.sharedId = scheduler.observer === null ? -1 : (partOf?.sharedId ?? scheduler.observer.made(this));
  }

  /** @internal */
  expose?(to: StateSink): void;

  protected touch(access: Access): void {
    if (this.sharedId >= 0) this.scheduler.observer?.touched(this.sharedId, access);
  }
}

/**
 * State that is looked at and changed without waiting, for example a sequence count: its owner reports each use here.
 * Locks and other waitables report by themselves.
 */
export class SharedState extends Shared {
  /** @param exposed what its owner has to say of it */
  constructor(scheduler: Observed, exposed?: (to: StateSink) => void) {
    super(scheduler);
    if (exposed !== undefined) this.expose = exposed;
  }

  /** It is looked at. */
  read(): void {
    this.touch(READ);
  }

  /** It is changed, in a way of which the order among its like does not matter. */
  update(): void {
    this.touch(UPDATE);
  }

  /** It is changed. */
  write(): void {
    this.touch(WRITE);
  }
}
