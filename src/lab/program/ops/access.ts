import { PAGE_SIZE } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import { userLoad, userStore, type AccessResult, type MmStruct } from '../../../mm/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import { listed, pagesOf } from '../pages-of.js';
import { NotModelled } from '../program-error.js';

type Signal = 'SIGBUS' | 'SIGSEGV';

/** Accesses by a CPU. */
export const accessOps = {
  *cpu_write(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const bytes = Uint8Array.of(args.value);
    const signals: (Signal | null)[] = [];
    for (const page of pagesOf(args)) {
      signals.push(yield* store(mm, addressIn(area, page) + args.offset, bytes));
    }
    return signals.every((signal) => signal === null) ? DONE : listed('signal', 'signals', signals);
  },

  *cpu_read(world, args) {
    const area = world.areas.get(args.map);
    const mm = world.mmOf(args.proc);
    const values: (number | Signal)[] = [];
    for (const page of pagesOf(args)) {
      values.push(yield* load(mm, addressIn(area, page) + args.offset));
    }
    return values.length === 1 && typeof values[0] === 'string'
      ? { signal: values[0] }
      : listed('value', 'values', values);
  },

  *fill(world, args) {
    const area = world.areas.get(args.map);
    const bytes = new Uint8Array(PAGE_SIZE).fill(args.value);
    for (let page = args.first; page < args.first + args.pages; page++) {
      const signal = yield* store(world.mmOf(args.proc), addressIn(area, page), bytes);
      if (signal !== null) return { signal };
    }
    return DONE;
  },
} satisfies OpHandlers;

/** A store within a page. */
function* store(mm: MmStruct, address: number, bytes: Uint8Array): Task<Signal | null> {
  return ended(yield* userStore(mm, address, bytes.length, bytes));
}

/** A load of one byte. */
function* load(mm: MmStruct, address: number): Task<number | Signal> {
  const byte = new Uint8Array(1);
  return ended(yield* userLoad(mm, address, byte)) ?? byte[0];
}

/** @throws NotModelled: Linux would kill somebody */
function ended(result: AccessResult): Signal | null {
  if (result === 'OOM') throw new NotModelled('memory has run out, and there is no OOM killer');
  return result;
}
