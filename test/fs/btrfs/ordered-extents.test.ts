import { Simulation } from '../../../src/engine/index.js';
import { OrderedExtents } from '../../../src/fs/btrfs/ordered-extents.js';

function extents(simulation = new Simulation()): OrderedExtents {
  const ordered = new OrderedExtents(simulation);
  ordered.add({ first: 8, end: 12 });
  ordered.add({ first: 0, end: 4 });
  return ordered;
}

describe('ordered extents', () => {
  it('are found by their pages, the first or the last of a range', () => {
    const ordered = extents();
    expect(ordered.overlapping({ first: 0, end: 20 })?.range.first).toBe(0);
    expect(ordered.lastOverlapping({ first: 0, end: 20 })?.range.first).toBe(8);
    expect(ordered.overlapping({ first: 4, end: 8 })).toBeUndefined();
  });

  it('await a page until somebody has begun to write it', () => {
    const ordered = extents();
    const extent = ordered.awaiting(9);
    extent?.pending.remove({ first: 9, end: 10 });
    expect([ordered.awaiting(9), ordered.awaiting(10)]).toEqual([undefined, extent]);
  });

  it('complete with their last page, and wake who waits', () => {
    const simulation = new Simulation();
    const ordered = extents(simulation);
    const extent = ordered.awaiting(8);
    if (extent === undefined) throw new Error('page 8 is awaited');
    const waiting = simulation.spawn('waiter', ordered.wait(extent));
    simulation.runUntil(1);
    ordered.finish(extent, 3);
    simulation.runUntil(2);
    expect(waiting.done).toBe(false);
    ordered.finish(extent, 1);
    simulation.run();
    expect([waiting.done, ordered.overlapping({ first: 8, end: 12 })]).toEqual([true, undefined]);
  });

  it('complete without the pages that are truncated before anybody writes them', () => {
    const ordered = extents();
    ordered.forget({ first: 10, end: Infinity });
    expect(ordered.awaiting(8)?.left).toBe(2);
    ordered.forget({ first: 0, end: 10 });
    expect(ordered.overlapping({ first: 0, end: 20 })).toBeUndefined();
  });

  it('are no more after a power loss, and nobody waits', () => {
    const simulation = new Simulation();
    const ordered = extents(simulation);
    const extent = ordered.awaiting(0);
    if (extent === undefined) throw new Error('page 0 is awaited');
    const waiting = simulation.spawn('waiter', ordered.wait(extent));
    simulation.runUntil(1);
    ordered.clear();
    simulation.run();
    expect([waiting.done, ordered.overlapping({ first: 0, end: 20 })]).toEqual([true, undefined]);
  });
});
