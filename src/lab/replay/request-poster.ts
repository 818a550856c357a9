import { Condition, type Simulation, type Task } from '../../engine/index.js';
import type { CapturedRequest } from '../capture/index.js';

/** A request and the virtual time at which it is due. */
export interface DueRequest {
  readonly request: CapturedRequest;
  readonly due: number;
}

/**
 * Posts the requests of one flow, in order. One that has to wait, for its key or for what must come before it, holds up
 * those behind it on its queue pair and nobody else.
 */
export class RequestPoster {
  private readonly queue: DueRequest[] = [];
  private readonly arrived: Condition;

  /** @param post posts a request; may sleep first */
  constructor(
    simulation: Simulation,
    name: string,
    private readonly post: (request: DueRequest) => Task,
  ) {
    this.arrived = new Condition(simulation, `a request of ${name}`);
    simulation.spawn(`posting of ${name}`, this.serve(), { daemon: true });
  }

  add(request: DueRequest): void {
    this.queue.push(request);
    this.arrived.notifyOne();
  }

  private *serve(): Task {
    for (;;) {
      const next = this.queue.shift();
      if (next === undefined) yield this.arrived;
      else yield* this.post(next);
    }
  }
}
