import type { Task } from '../../src/engine/index.js';
import { US } from '../../src/engine/index.js';
import { traceOf, type WatchedTrace } from '../../src/testing/index.js';
import type { MmuNotifiers } from '../../notifiers/index.js';
import { driverFactoryOf, type DriverFactory } from '../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';
import { observeNic } from '../../devices/nic/index.js';
import { BASE, RdmaPair, pattern, type PairOptions } from '../support/rdma-pair.js';
import { Machine } from '../support/machine.js';

/** A client and a server, and what happens there. */
export interface TracedPair {
  readonly pair: RdmaPair;
  readonly trace: WatchedTrace;
}

/** The trace sees what rules would stop: they watch only where they are asked to. */
export function tracedPair(options: PairOptions = {}, rules = false): TracedPair {
  const pair = new RdmaPair({ ...options, rules: false });
  return { pair, trace: traceOf(pair.world, { rules }).watch(observeNic(pair.server)) };
}

/** The client writes a page of the server's file, and the server calls fsync. */
export function writeThenFsync(): TracedPair {
  const traced = tracedPair();
  const { pair } = traced;
  function* story(): Task {
    const region = yield* pair.register();
    yield* pair.write(region, 0, pattern(64));
    yield* pair.world.kernel.fsync(pair.inode);
  }
  pair.run(story());
  return traced;
}

/** The driver with that mistake. */
export function faulty(id: string): DriverFactory {
  const found = FAULTY_DRIVERS.find((driver) => driver.id === id);
  if (found === undefined) throw new Error(`no faulty driver ${id}`);
  return driverFactoryOf(found.plugin);
}

/**
 * A client writes twice to a page. The kernel unmaps it some time after the second message was sent: by default when its DMA
 * is in flight.
 */
export function* dontneedUnderWrite(pair: RdmaPair, after = 1300): Task {
  const region = yield* pair.register();
  yield* pair.write(region, 0, pattern(64));
  const { iova, rkey } = region.mkey;
  pair.requester.postSend({
    wrId: 9,
    opcode: 'RDMA_WRITE',
    length: 4096,
    local: pattern(4096),
    remoteAddress: iova,
    rkey,
  });
  yield after;
  yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
  yield* pair.completions.next();
}

/** Invalidations at virtual times, with nobody who listens: `tell` announces them. */
export function announcing(tell: (notifiers: MmuNotifiers) => Task): WatchedTrace {
  const machine = new Machine({ rules: false });
  const trace = traceOf(machine);
  machine.run(tell(machine.mm.notifiers));
  return trace;
}

/** One page of address space, by its number. */
export function pageRange(page: number): readonly [start: number, end: number] {
  return [page * 4096, (page + 1) * 4096];
}

/** Two invalidations: one that takes no time, 2 us after the trace begins, and one of 4 us, 9 us after. */
export function* twoInvalidations(notifiers: MmuNotifiers): Task {
  yield 2 * US;
  notifiers.invalidateRangeEnd(notifiers.invalidateRangeStart('CLEAR', ...pageRange(1)));
  yield 7 * US;
  const second = notifiers.invalidateRangeStart('UNMAP', ...pageRange(2));
  yield 4 * US;
  notifiers.invalidateRangeEnd(second);
}
