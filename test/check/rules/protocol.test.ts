import { ReplayPolicy } from '../../../src/engine/index.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { Machine, address } from '../../support/machine.js';

describe('R4: an invalidation that a driver honours', () => {
  it('sets the sequence number', () => {
    const m = new WatchedDevice();
    m.driver(() => undefined);
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('must, even where the device has nothing', () => {
    const m = new WatchedDevice();
    m.mm.notifiers.insertInterval(address(0), 4096, { name: 'forgetful', invalidate: () => undefined });
    expect(m.verdict(() => m.munmap(0, 1))).toMatchObject({ rule: 'R4', device: 'driver "forgetful"' });
  });
});

describe('R7: who may refuse a start', () => {
  function reap(m: WatchedDevice, withEnd: boolean): void {
    m.mm.notifiers.register({
      name: 'driver',
      invalidateRangeStart: (range) => {
        range.refuse('driver');
      },
      ...(withEnd ? { invalidateRangeEnd: () => undefined } : {}),
    });
    m.mm.notifiers.invalidateRangeStartNonblock('UNMAP', address(0), address(1));
  }

  it('has no use for an end', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => reap(m, false))).toBeNull();
  });

  it('does not implement one', () => {
    const m = new WatchedDevice();
    expect(m.verdict(() => reap(m, true))).toMatchObject({ rule: 'R7', device: 'driver "driver"' });
  });
});

it('a violation reads as one sentence', () => {
  const m = new WatchedDevice();
  m.device.map(0);
  expect(() => m.munmap(0, 1)).toThrow(
    /rule R1 broken by driver "driver" of device at 0 ns \(seed 1, schedule fifo\): no access through an old translation may land after invalidate_range_start has returned; page 0x10000000000 of mm of app: UNMAP \[0x10000000000, 0x10000001000\) of mm of app started \(0 ns\), then its translation is left, to frame \d+, when the start returned/,
  );
});

it('a violation says what replays it: the seed, and the picks of a policy that writes them down', () => {
  const m = new Machine({ seed: 7, schedule: new ReplayPolicy([0, 1]) });
  m.mapAnon(2);
  for (const page of [0, 1]) m.simulation.spawn(`store ${page}`, m.storing(page));
  m.simulation.run();
  expect(() => m.mm.pageTable.set(address(0) / 4096, 0)).toThrow(/\(seed 7, schedule replay:0,1(,\d)*\)/);
});
