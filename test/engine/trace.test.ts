import { Simulation, type TraceEvent } from '../../src/engine/index.js';

describe('Trace', () => {
  it('is off until somebody listens', () => {
    const simulation = new Simulation();
    expect(simulation.trace.on).toBe(false);
    simulation.trace.attach({ event: () => undefined });
    expect(simulation.trace.on).toBe(true);
  });

  it('gives every sink each event with its virtual time', () => {
    const simulation = new Simulation();
    const seen: [number, TraceEvent][] = [];
    for (let i = 0; i < 2; i++) simulation.trace.attach({ event: (time, event) => seen.push([time, event]) });
    simulation.runUntil(250);
    simulation.trace.emit({ kind: 'page_mkwrite', mm: 1 });
    expect(seen).toEqual([
      [250, { kind: 'page_mkwrite', mm: 1 }],
      [250, { kind: 'page_mkwrite', mm: 1 }],
    ]);
  });
});
