import type { ReadySet } from '../../engine/index.js';
import { plural } from './budget-watch.js';
import { Director } from './director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';

/** Nobody has taken a step. */
const NOBODY = -0x80000000;

/** A choice of the execution that goes on: between whom, and which of them goes. */
interface Choice {
  /** Places among the ready, those first that are tried first. */
  readonly places: readonly number[];
  next: number;
}

/**
 * Every schedule with no more than so many preemptions, depth first. Who can go on goes on; taking the next step from it
 * is a preemption. Most bugs need few of them (Musuvathi, Qadeer: Iterative context bounding, PLDI 2007).
 */
export class ContextBoundSearch extends Director implements Search {
  readonly name = 'context-bound';
  readonly exhaustive = true;
  readonly reduces = false;
  readonly redundant = 0;

  private readonly choices: Choice[] = [];
  private depth = 0;
  private left = 0;
  private last = NOBODY;
  /** Which of the ready went at each point where there was more than one. */
  private readonly picks: number[] = [];

  constructor(
    stepLimit: number,
    private readonly preemptions: number,
  ) {
    super(stepLimit);
  }

  coverage(): string {
    return `every schedule with at most ${plural(this.preemptions, 'preemption')}`;
  }

  protected override begins(): void {
    this.depth = 0;
    this.left = this.preemptions;
    this.last = NOBODY;
    this.picks.length = 0;
  }

  protected choose(ready: ReadySet): number {
    const running = placeOf(ready, this.last);
    const place = this.place(ready, running);
    if (running >= 0 && place !== running) this.left--;
    if (ready.length > 1) this.picks.push(place);
    this.last = ready.id(place);
    return place;
  }

  advance(): boolean {
    for (let choice = this.choices.at(-1); choice !== undefined; choice = this.choices.at(-1)) {
      if (++choice.next < choice.places.length) return true;
      this.choices.pop();
    }
    return false;
  }

  plan(): Plan {
    return { kind: 'picks', picks: [...this.picks] };
  }

  private place(ready: ReadySet, running: number): number {
    if (ready.length === 1) return 0;
    if (running >= 0 && this.left === 0) return running;
    if (this.depth === this.choices.length) this.choices.push({ places: inOrder(ready.length, running), next: 0 });
    const { places, next } = this.choices[this.depth++];
    return places[next];
  }
}

/** All places, the running one's first. */
function inOrder(length: number, running: number): number[] {
  const places = running >= 0 ? [running] : [];
  for (let place = 0; place < length; place++) if (place !== running) places.push(place);
  return places;
}

function placeOf(ready: ReadySet, id: number): number {
  for (let place = 0; place < ready.length; place++) if (ready.id(place) === id) return place;
  return -1;
}
