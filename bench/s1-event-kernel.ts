import { createRequire } from 'node:module';
import { EventHeap, Simulation, type Task } from '../src/engine/index.js';
import { alternate, figure, timed, type Figure } from './measure.js';

const EVENTS = 1_000_000;

/** A multiplicative congruential generator: the same delays for everybody, at no cost. */
function delays(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + (state % 1000);
  };
}

/** The least that an event kernel of generators can do: pop, resume, push. */
function bareLoop(tasks: number): number {
  const heap = new EventHeap();
  const next = delays();
  let events = 0;
  function* task(): Generator<number, void, void> {
    for (;;) {
      events++;
      yield next();
    }
  }
  const generators = Array.from({ length: tasks }, task);
  generators.forEach((_, id) => heap.push(0, id));
  const ns = timed(() => {
    while (events < EVENTS) {
      const time = heap.minTime;
      const id = heap.pop();
      const step = generators[id].next();
      if (step.done !== true) heap.push(time + step.value, id);
    }
  });
  return ns / events;
}

function ours(tasks: number): number {
  const simulation = new Simulation();
  const next = delays();
  let events = 0;
  function* task(): Task {
    while (events < EVENTS) {
      events++;
      yield next();
    }
  }
  for (let i = 0; i < tasks; i++) simulation.spawn('task', task());
  const ns = timed(() => {
    simulation.run();
  });
  return ns / events;
}

/** The best of its kind on npm: callback entities on an event queue. */
interface SimJs {
  readonly Sim: new () => { addEntity(entity: unknown): void; simulate(end: number): void };
  readonly Entity: new (...args: unknown[]) => { setTimer(delay: number): { done(callback: () => void): void } };
}

/** The package is a browser bundle: it leaves its exports on `window`. */
function loadSimJs(): SimJs {
  const browser: { Sim?: SimJs } = {};
  Object.assign(globalThis, { window: browser });
  createRequire(import.meta.url)('simjs');
  if (browser.Sim === undefined) throw new Error('simjs did not load');
  return browser.Sim;
}

function simJs(tasks: number, { Sim, Entity }: SimJs): number {
  const sim = new Sim();
  const next = delays();
  let events = 0;
  class Hold extends Entity {
    start(): void {
      this.hold();
    }

    private hold(): void {
      if (events++ < EVENTS) this.setTimer(next()).done(this.hold.bind(this));
    }
  }
  for (let i = 0; i < tasks; i++) sim.addEntity(Hold);
  const ns = timed(() => {
    sim.simulate(Number.MAX_SAFE_INTEGER);
  });
  return ns / events;
}

/** S1: ns per task switch. */
export function s1(): Figure[] {
  const peer = loadSimJs();
  return [10, 1_000, 100_000].flatMap((tasks) => {
    const bare = alternate(
      () => ours(tasks),
      () => bareLoop(tasks),
      7,
      2,
    );
    const simjs = alternate(
      () => ours(tasks),
      () => simJs(tasks, peer),
      3,
      1,
    );
    const what = `task switch, ${String(tasks)} tasks`;
    return [
      figure({
        id: `S1-${String(tasks)}`,
        what,
        unit: 'ns',
        ...bare,
        referenceIs: 'bare generator loop over the same heap',
        bound: { atMost: 1.3 },
      }),
      figure({
        id: `S1-${String(tasks)}-simjs`,
        what,
        unit: 'ns',
        ...simjs,
        referenceIs: 'npm simjs 2.0.3',
        bound: { atMost: 1 / 3 },
      }),
    ];
  });
}
