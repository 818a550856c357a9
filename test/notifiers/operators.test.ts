import { Simulation } from '../../src/engine/index.js';
import { MmuNotifiers, NotifierHub, ofEvent, ofMm, overlapping, spans } from '../../notifiers/index.js';

function setUp(): { simulation: Simulation; hub: NotifierHub; first: MmuNotifiers; second: MmuNotifiers } {
  const simulation = new Simulation();
  const hub = new NotifierHub(simulation);
  return {
    simulation,
    hub,
    first: new MmuNotifiers(hub, { id: 1, name: 'mm 1' }),
    second: new MmuNotifiers(hub, { id: 2, name: 'mm 2' }),
  };
}

describe('operators on the stream of invalidations', () => {
  it('overlapping: ranges that share a byte; ends are exclusive', () => {
    const { hub, first } = setUp();
    const seen: number[] = [];
    hub.start$.pipe(overlapping(0x2000, 0x3000)).subscribe((range) => seen.push(range.start));
    for (const start of [0x1000, 0x2000, 0x2fff, 0x3000]) first.invalidateRangeStart('CLEAR', start, start + 0x1000);
    expect(seen).toEqual([0x2000, 0x2fff]);
  });

  it('ofEvent and ofMm choose by what and by whom', () => {
    const { hub, first, second } = setUp();
    const seen: string[] = [];
    hub.start$
      .pipe(ofEvent('UNMAP', 'RELEASE'), ofMm({ id: 2, name: 'mm 2' }))
      .subscribe((range) => seen.push(range.name));
    first.invalidateRangeStart('UNMAP', 0, 0x1000);
    second.invalidateRangeStart('CLEAR', 0, 0x1000);
    second.invalidateRangeStart('UNMAP', 0, 0x1000);
    expect(seen).toEqual(['UNMAP [0x0, 0x1000) of mm 2']);
  });

  it('spans: a start joined with its end, in the order of ends, with the time the devices took', () => {
    const { simulation, hub, first } = setUp();
    const seen: [number, number, number, number][] = [];
    hub.start$.pipe(spans()).subscribe((range) => {
      seen.push([range.start, range.startedAt, range.quiescedAt, range.endedAt]);
    });
    const outer = first.invalidateRangeStart('UNMAP', 0x1000, 0x2000);
    simulation.runUntil(10);
    const nested = first.invalidateRangeStart('CLEAR', 0x4000, 0x5000);
    simulation.runUntil(20);
    first.invalidateRangeEnd(nested);
    simulation.runUntil(30);
    first.invalidateRangeEnd(outer);
    expect(seen).toEqual([
      [0x4000, 10, 10, 20],
      [0x1000, 0, 0, 30],
    ]);
  });

  it('spans: a refused range has none', () => {
    const { hub, first } = setUp();
    let ended = 0;
    hub.start$.pipe(spans()).subscribe(() => ended++);
    first.register({
      name: 'odp',
      invalidateRangeStart: (range) => {
        range.refuse('odp');
      },
    });
    first.invalidateRangeStartNonblock('UNMAP', 0, 0x1000);
    expect(ended).toBe(0);
  });
});
