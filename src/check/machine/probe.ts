import type { Task } from '../../engine/index.js';
import { eachStep } from '../explore/index.js';

/** Told of each call of a method of a probed object, and of its end. */
export interface Watch {
  enter(method: string, args: readonly unknown[]): void;
  leave(): void;
}

const WATCH = Symbol('watch');

interface Probed {
  [WATCH]: Watch;
}

type Method = (this: Probed, ...args: unknown[]) => unknown;

/** Classes with probes in their methods, by the prototypes that they stand for. */
const probedPrototypes = new WeakMap<object, object>();

const GENERATOR_FUNCTION: unknown = Object.getPrototypeOf(function* () {
  yield 0;
});

/**
 * Has each call of a method of an object told, for code that does not itself report what it does to what processes share.
 * Where a method returns a task, each of its steps is told.
 *
 * The object is the same and of the same class; its methods go through a prototype of its own. Fields that are looked at
 * directly are not seen.
 */
export function probe(object: object, watch: Watch): void {
  const prototype = Object.getPrototypeOf(object) as object;
  let probed = probedPrototypes.get(prototype);
  if (probed === undefined) {
    probed = withProbes(prototype);
    probedPrototypes.set(prototype, probed);
  }
  Object.setPrototypeOf(object, probed);
  (object as Probed)[WATCH] = watch;
}

/** A task each step of which is told as if it were a call. */
function watched<T>(task: Task<T>, watch: Watch, name: string): Task<T> {
  return eachStep(task, (step) => {
    watch.enter(name, []);
    try {
      return step();
    } finally {
      watch.leave();
    }
  });
}

function withProbes(prototype: object): object {
  const probed: object = Object.create(prototype) as object;
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const key of Reflect.ownKeys(at)) {
      const property = Object.getOwnPropertyDescriptor(at, key);
      if (property === undefined || key === 'constructor' || Object.hasOwn(probed, key)) continue;
      Object.defineProperty(probed, key, withProbe(String(key), property));
    }
  }
  return probed;
}

function withProbe(name: string, property: PropertyDescriptor): PropertyDescriptor {
  if (property.get !== undefined) {
    const get = Reflect.get(property, 'get') as Method;
    return { ...property, get: told(name, get) };
  }
  if (typeof property.value !== 'function') return property;
  const method = property.value as Method;
  const isTask = Object.getPrototypeOf(method) === GENERATOR_FUNCTION;
  return { ...property, value: isTask ? toldTask(name, method) : told(name, method) };
}

function told(name: string, method: Method): Method {
  return function (...args) {
    const watch = this[WATCH];
    watch.enter(name, args);
    try {
      return method.apply(this, args);
    } finally {
      watch.leave();
    }
  };
}

function toldTask(name: string, method: Method): Method {
  return function (...args) {
    return watched(method.apply(this, args) as Task<unknown>, this[WATCH], name);
  };
}
