import { bufferTime, delay, interval, take, timeout } from 'rxjs';
import { HotStream, MS, Simulation, US, VirtualTimeScheduler } from '../../src/engine/index.js';

describe('VirtualTimeScheduler', () => {
  it('makes RxJS operators work on virtual time, in milliseconds', () => {
    const simulation = new Simulation();
    const scheduler = new VirtualTimeScheduler(simulation);
    const stream = new HotStream<string>();
    const seen: [string, number][] = [];
    stream.pipe(delay(0.005, scheduler)).subscribe((value) => seen.push([value, simulation.now]));
    simulation.after(100, 'emit', () => {
      stream.emit('a');
    });
    simulation.runUntilIdle();
    expect(seen).toEqual([['a', 100 + 5 * US]]);
  });

  it('repeats: interval and bufferTime', () => {
    const simulation = new Simulation();
    const scheduler = new VirtualTimeScheduler(simulation);
    const buffers: number[][] = [];
    interval(1, scheduler)
      .pipe(take(5), bufferTime(2.5, scheduler))
      .subscribe((buffer) => buffers.push(buffer));
    simulation.runUntil(20 * MS);
    expect(buffers).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('times out in virtual time', () => {
    const simulation = new Simulation();
    const scheduler = new VirtualTimeScheduler(simulation);
    const errors: number[] = [];
    new HotStream<number>()
      .pipe(timeout({ each: 3, scheduler }))
      .subscribe({ error: () => errors.push(simulation.now) });
    simulation.runUntilIdle();
    expect(errors).toEqual([3 * MS]);
  });

  it('knows virtual time', () => {
    const simulation = new Simulation();
    simulation.runUntil(1_500_000);
    expect(new VirtualTimeScheduler(simulation).now()).toBe(1.5);
  });
});
