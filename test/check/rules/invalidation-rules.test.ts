import { LivelockError, Lock, US, type Hold, type Task } from '../../../src/engine/index.js';
import { PTE_WRITE } from '../../../src/mm/index.js';
import { BareDevice, WatchedDevice } from '../../support/bare-device.js';
import { address } from '../../support/machine.js';

describe('R1: when a start has returned nothing old is used', () => {
  it('is kept by a device that has dropped what it had of the range', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver(() => {
      m.device.unmap(0, 1);
    });
    expect(m.breaks(() => m.munmap(0, 2))).toBeNull();
  });

  it('is broken by a translation that is left', () => {
    const m = new WatchedDevice();
    m.device.map(1);
    expect(m.verdict(() => m.munmap(0, 2))).toMatchObject({
      rule: 'R1',
      device: 'driver "driver" of device',
      page: { mm: 'mm of app', address: address(1) },
      before: { what: expect.stringMatching(/^UNMAP \[0x\w+, 0x\w+\) of mm of app started$/) as string },
      after: {
        what: expect.stringMatching(/^its translation is left, to frame \d+, when the start returned$/) as string,
      },
      seed: 1,
      schedule: 'fifo',
    });
  });

  it('is broken by an access that is in flight', () => {
    const m = new WatchedDevice();
    const frame = m.device.frameOf(0);
    m.device.posted.push({ page: 0, frame, write: true });
    expect(m.verdict(() => m.munmap(0, 1))?.after.what).toMatch(
      /^a write of 0x\w+ through frame \d+ was in flight when/,
    );
  });

  it('says nothing of accesses elsewhere that are in flight', () => {
    const m = new WatchedDevice();
    const frame = m.device.frameOf(0);
    m.device.posted.push({ page: 2, frame, write: true });
    m.device.posted.push({ page: 0, frame, write: true, mm: m.kernel.createProcess('other').mm });
    expect(m.breaks(() => m.munmap(0, 2))).toBeNull();
  });

  it('is judged when the last hold is released, not when the start is announced', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver((range) => {
      range.hold(
        'driver',
        later(() => m.device.unmap(0)),
      );
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('says nothing of pages outside of the range', () => {
    const m = new WatchedDevice();
    m.device.map(3);
    expect(m.breaks(() => m.munmap(0, 2))).toBeNull();
  });
});

describe('R14: more may be dropped than was asked, less may not', () => {
  it('is kept by a device that drops all that it has', () => {
    const m = new WatchedDevice();
    for (let page = 0; page < 4; page++) m.device.map(page);
    m.driver(() => {
      m.device.unmap(0, 1, 2, 3);
    });
    expect(m.breaks(() => m.munmap(1, 1))).toBeNull();
  });

  it('is kept by a device that drops a translation of its own accord', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.device.unmap(0);
    m.device.map(0);
    expect(m.breaks(() => m.device.write(0))).toBeNull();
  });

  it('is broken by one that forgets the last page', () => {
    const m = new WatchedDevice();
    for (let page = 0; page < 3; page++) m.device.map(page);
    m.driver(() => {
      m.device.unmap(0, 1);
    });
    const violation = m.verdict(() => m.munmap(0, 3));
    expect([violation?.rule, violation?.page?.address]).toEqual(['R14', address(2)]);
    expect(violation?.after.what).toMatch(/^1 of its 3 translations are left/);
  });
});

describe('R6: a call that may not block', () => {
  function reap(m: WatchedDevice): boolean {
    const range = m.mm.notifiers.invalidateRangeStartNonblock('UNMAP', address(0), address(4));
    if (range !== null) m.mm.notifiers.invalidateRangeEnd(range);
    return range !== null;
  }

  it('may be refused', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver((range) => {
      range.refuse('driver');
    });
    expect(m.breaks(() => expect(reap(m)).toBe(false))).toBeNull();
  });

  it('may be obeyed at once', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => expect(reap(m)).toBe(true))).toBeNull();
  });

  it('may not be let through with the translations still there', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver(() => undefined);
    expect(m.verdict(() => void reap(m))).toMatchObject({ rule: 'R6', page: { address: address(0) } });
  });

  it('may not be held', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    expect(m.verdict(() => void reap(m))).toMatchObject({ rule: 'R6', device: 'driver "driver"' });
  });
});

describe('R15: no driver leans on another', () => {
  /** Another driver, which takes its time. */
  function slow(m: WatchedDevice): void {
    m.driver(
      (range) =>
        void range.hold(
          'slow',
          later(() => undefined, 10),
        ),
      'slow',
    );
  }

  it('is kept if each has let go when it says so', () => {
    const m = new WatchedDevice();
    slow(m);
    m.device.map(0);
    m.driver(
      (range) =>
        void range.hold(
          'driver',
          later(() => m.device.unmap(0)),
        ),
    );
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('is broken by one whose device stops only while the other is waited for', () => {
    const m = new WatchedDevice();
    slow(m);
    m.device.map(0);
    m.simulation.after(5 * US, 'device', () => {
      m.device.unmap(0);
    });
    m.driver(
      (range) =>
        void range.hold(
          'driver',
          later(() => undefined),
        ),
    );
    expect(m.verdict(() => m.munmap(0, 1))).toMatchObject({ rule: 'R15', time: 1 * US });
  });

  it('is broken by one whose device still has an access in flight, too', () => {
    const m = new WatchedDevice();
    slow(m);
    m.device.posted.push({ page: 0, frame: m.device.frameOf(0), write: false });
    m.driver(
      (range) =>
        void range.hold(
          'driver',
          later(() => undefined),
        ),
    );
    const violation = m.verdict(() => m.munmap(0, 1));
    expect(violation).toMatchObject({ rule: 'R15', time: 1 * US });
    expect(violation?.after.what).toMatch(
      /was in flight when its driver had let go, while others still held the range$/,
    );
  });

  it('says nothing of a notification of the driver’s own making, which it need not follow', () => {
    const m = new WatchedDevice();
    const cookie = { owner: 'driver' };
    m.device.cookie = cookie;
    m.device.map(0);
    slow(m);
    m.driver(
      (range) =>
        void range.hold(
          'driver',
          later(() => undefined),
        ),
    );
    function* migrate(): Task {
      const range = m.mm.notifiers.invalidateRangeStart('MIGRATE', address(0), address(1), cookie);
      yield range;
      m.mm.notifiers.invalidateRangeEnd(range);
    }
    expect(m.breaks(() => m.run(migrate()))).toBeNull();
  });

  it('asks only for the driver that has let go', () => {
    const m = new WatchedDevice();
    const other = new BareDevice(m.mm, 'other device', 'slow');
    m.rules?.watch(other);
    other.map(0);
    m.driver(
      (range) =>
        void range.hold(
          'slow',
          later(() => other.unmap(0), 10),
        ),
      'slow',
    );
    m.driver(
      (range) =>
        void range.hold(
          'driver',
          later(() => undefined),
        ),
    );
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });
});

describe('R17: a notification of one’s own making', () => {
  const cookie = { owner: 'driver' };

  function migrate(m: WatchedDevice, meanwhile: () => void): void {
    m.device.cookie = cookie;
    const range = m.mm.notifiers.invalidateRangeStart('MIGRATE', address(0), address(1), cookie);
    meanwhile();
    m.mm.notifiers.invalidateRangeEnd(range);
  }

  it('may be ignored if the device keeps off the range', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    expect(m.breaks(() => migrate(m, () => undefined))).toBeNull();
  });

  it('may not if its device is at it', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    expect(m.breaks(() => migrate(m, () => m.device.write(0)))).toBe('R17');
  });

  it('may not if an access is in flight', () => {
    const m = new WatchedDevice();
    m.device.posted.push({ page: 0, frame: m.device.frameOf(0), write: false });
    expect(m.breaks(() => migrate(m, () => undefined))).toBe('R17');
  });

  it('may not if the page is another afterwards', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    expect(m.breaks(() => migrate(m, () => m.mm.pageTable.set(address(0) / 4096, 0)))).toBe('R17');
  });

  it('may not if the CPU may only read the page afterwards', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    expect(m.breaks(() => migrate(m, () => m.mm.pageTable.set(address(0) / 4096, m.pte(0) & ~PTE_WRITE)))).toBe('R17');
  });

  it('is one only for whom it is of', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.device.cookie = { owner: 'somebody else' };
    const start = (): void => void m.mm.notifiers.invalidateRangeStart('MIGRATE', address(0), address(1), cookie);
    expect(m.breaks(start)).toBe('R1');
  });
});

describe('R9: every start has one end', () => {
  it('is kept by the kernel as it is', () => {
    const m = new WatchedDevice();
    m.munmap(0, 2);
    expect(m.breaks(() => m.rules?.finish())).toBeNull();
  });

  it('is broken by a start without an end', () => {
    const m = new WatchedDevice();
    m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    const violation = m.verdict(() => m.rules?.finish());
    expect(violation).toMatchObject({ rule: 'R9', device: 'the kernel' });
    expect(violation?.after.what).toMatch(/has no end$/);
  });

  it('is broken by an end of what was refused', () => {
    const m = new WatchedDevice();
    m.driver((range) => {
      range.refuse('driver');
    });
    m.kernel.hub.refused$.subscribe((range) => m.mm.notifiers.invalidateRangeEnd(range));
    const reap = (): void => void m.mm.notifiers.invalidateRangeStartNonblock('UNMAP', address(0), address(1));
    const violation = m.verdict(reap);
    expect(violation).toMatchObject({ rule: 'R9', device: 'the kernel' });
    expect(violation?.after.what).toMatch(/which was refused and has no end$/);
  });

  it('is broken by an end while somebody holds the range', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    const range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    expect(m.breaks(() => m.mm.notifiers.invalidateRangeEnd(range))).toBe('R9');
  });

  it('is broken by a second end', () => {
    const m = new WatchedDevice();
    const range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    m.mm.notifiers.invalidateRangeEnd(range);
    expect(m.breaks(() => m.mm.notifiers.invalidateRangeEnd(range))).toBe('R9');
  });

  it('is broken by who never lets go: the kernel stands still, and is not to blame', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    const violation = m.verdict(() => m.munmap(0, 1));
    expect(violation?.rule).toBe('R9');
    expect(violation?.device).toBe('driver "driver"');
  });

  it('is not broken by who holds a range for the moment, when others wait for each other', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver', waiting(5)));
    const [one, other] = [new Lock(m.simulation, 'one'), new Lock(m.simulation, 'other')];
    m.simulation.spawn('first', takingBoth(one, other));
    m.simulation.spawn('second', takingBoth(other, one));
    expect(() => m.verdict(() => m.munmap(0, 1))).toThrow(/deadlock at 1 us.*: these tasks wait for each other/);
  });

  it('nor when others go on and on; but by who goes on and on instead of letting go', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    const spinning = (who: string) => (): never => {
      throw new LivelockError(`task "${who}"`, 1000, 0, 1);
    };
    expect(() => m.verdict(spinning('somebody'))).toThrow('livelock');
    expect(m.verdict(spinning('driver'))).toMatchObject({ rule: 'R9', device: 'driver "driver"' });
  });

  it('is broken by who lets go twice', () => {
    const m = new WatchedDevice();
    m.driver((range) => {
      const hold: Hold = range.hold('driver');
      hold.release();
      hold.release();
    });
    expect(m.verdict(() => m.munmap(0, 1))).toMatchObject({ rule: 'R9', device: 'driver "driver"' });
  });
});

function* takingBoth(one: Lock, other: Lock): Task {
  yield one;
  yield 1 * US;
  yield other;
}

/** Lets go after a while. */
function* waiting(us: number): Task {
  yield us * US;
}

/** Does something a while later. */
function* later(what: () => void, us = 1): Task {
  yield us * US;
  what();
}
