import {
  Barrier,
  Condition,
  Gate,
  Lock,
  RandomStream,
  RwLock,
  Semaphore,
  type Task,
} from '../../../src/engine/index.js';
import type { Scenario, Stage } from '../../../src/check/explore/index.js';

/** What the tasks of a random scenario share. */
class Things {
  readonly variables;
  readonly lock;
  readonly rwLock;
  readonly gate;
  readonly barrier;
  readonly condition;
  readonly semaphore;
  /** What each task has seen, in its own order. */
  readonly seen: string[][] = [];

  constructor(readonly stage: Stage) {
    const { simulation } = stage;
    this.variables = ['x', 'y'].map((name) => stage.shared(name, 0));
    this.lock = new Lock(simulation, 'lock');
    this.rwLock = new RwLock(simulation, 'rwlock');
    this.gate = new Gate(simulation, 'gate');
    this.barrier = new Barrier(simulation, 'barrier');
    this.condition = new Condition(simulation, 'condition');
    this.semaphore = new Semaphore(simulation, 'semaphore', 2);
  }
}

type Op = (things: Things, seen: string[]) => Task;

/** The ops that a random task is made of. `pick` chooses what is the op's own, before anything runs. */
const OPS: readonly ((pick: (below: number) => number) => Op)[] = [
  (pick) => {
    const which = pick(2);
    return function* ({ variables }, seen) {
      seen.push(`read ${variables[which].get()}`);
    };
  },
  (pick) => {
    const [which, value] = [pick(2), pick(3)];
    return function* ({ variables }) {
      variables[which].set(value);
    };
  },
  (pick) => {
    const which = pick(2);
    return function* ({ variables }) {
      variables[which].set(variables[which].get() * 2 + 1);
    };
  },
  () =>
    function* () {
      yield 0;
    },
  (pick) => {
    const ns = pick(2) * 5;
    return function* () {
      yield ns;
    };
  },
  (pick) => {
    const which = pick(2);
    return function* ({ lock, variables }) {
      yield lock;
      variables[which].set(variables[which].get() + 1);
      lock.release();
    };
  },
  (pick) => {
    const which = pick(2);
    return function* ({ rwLock, variables }, seen) {
      yield rwLock.shared;
      seen.push(`shared ${variables[which].get()}`);
      yield 0;
      rwLock.releaseShared();
    };
  },
  (pick) => {
    const which = pick(2);
    return function* ({ rwLock, variables }) {
      yield rwLock.exclusive;
      variables[which].set(variables[which].get() + 10);
      rwLock.releaseExclusive();
    };
  },
  () =>
    function* ({ gate }) {
      gate.open();
    },
  () =>
    function* ({ gate }) {
      yield gate;
    },
  () =>
    function* ({ barrier }) {
      const hold = barrier.hold('task');
      yield 0;
      hold.release();
    },
  () =>
    function* ({ barrier }, seen) {
      seen.push(`held ${barrier.holds}`);
      yield barrier;
    },
  () =>
    function* ({ condition }) {
      condition.notifyOne();
    },
  () =>
    function* ({ condition }, seen) {
      seen.push(`notified ${yield* condition.waitFor(7)}`);
    },
  (pick) => {
    const which = pick(2);
    return function* ({ semaphore, variables }, seen) {
      yield semaphore;
      seen.push(`permit, ${variables[which].get()}`);
      yield 0;
      semaphore.release();
    };
  },
  (pick) => {
    const [which, daemon] = [pick(2), pick(2) === 0];
    return function* ({ stage, variables }, seen) {
      const child = stage.simulation.spawn(
        'child',
        (function* (): Task<number> {
          const value = variables[which].get();
          variables[which].set(value + 100);
          return value;
        })(),
        { daemon },
      );
      yield 0;
      seen.push(`child ${child.done}`);
      yield child;
      seen.push(`child saw ${child.result}`);
    };
  },
  (pick) => {
    const [which, delay, cancels] = [pick(2), pick(2) * 3, pick(2) === 0];
    return function* ({ stage, variables }) {
      const timer = stage.simulation.after(delay, 'timer', () => {
        variables[which].set(1000);
      });
      yield 0;
      if (cancels) timer.cancel();
    };
  },
];

/** Ops of which what they see decides what else they use. */
const CONDITIONAL: typeof OPS = [
  (pick) => {
    const [which, value] = [pick(2), pick(3)];
    return function* ({ variables }, seen) {
      // What it touches depends on what it sees.
      if (variables[which].get() === value) variables[1 - which].set(value + 1);
      else seen.push('not equal');
    };
  },
  (pick) => {
    const [which, delay] = [pick(2), pick(2) * 3];
    return function* ({ stage, variables }) {
      const timer = stage.simulation.after(delay, 'timer', () => {
        variables[which].set(1000);
      });
      yield 0;
      if (variables[1 - which].get() > 0) timer.cancel();
    };
  },
];

/** An op that fails in some schedules. */
function failing(pick: (below: number) => number): Op {
  const [which, value] = [pick(2), pick(4)];
  return function* ({ variables }) {
    if (variables[which].get() === value + 1) throw new Error(`saw ${value + 1}`);
  };
}

export interface RandomScenarioOptions {
  /** With ops of which what they see decides what else they use. */
  readonly conditional?: boolean;
  /** With ops that fail in some schedules. */
  readonly fails?: boolean;
}

/** A scenario of two or three tasks of a few ops each. The finale tells what each has seen. */
export function randomScenario(
  seed: number,
  { conditional = false, fails = false }: RandomScenarioOptions = {},
): Scenario {
  const kinds = conditional ? [...OPS, ...CONDITIONAL] : OPS;
  const random = new RandomStream(seed);
  const pick = (below: number): number => random.below(below);
  const tasks = Array.from({ length: 2 + pick(2) }, () => {
    const ops = Array.from({ length: 1 + pick(3) }, () => kinds[pick(kinds.length)](pick));
    if (fails && pick(2) === 0) ops.push(failing(pick));
    return ops;
  });
  return (stage) => {
    const things = new Things(stage);
    tasks.forEach((ops, index) => {
      const seen: string[] = [];
      things.seen.push(seen);
      stage.task(`task ${index}`, inTurn(ops, things, seen));
    });
    return () => JSON.stringify([things.variables.map((variable) => variable.get()), things.seen]);
  };
}

function* inTurn(ops: readonly Op[], things: Things, seen: string[]): Task<string> {
  for (const [index, op] of ops.entries()) {
    // Some ops come in one step with the one before.
    if (index % 2 === 1) yield 0;
    yield* op(things, seen);
  }
  // What the finale will look at is part of the state.
  return seen.join();
}
