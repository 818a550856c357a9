import { Lock, type Task } from '../../../src/engine/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import { WatchedDevice } from '../../support/bare-device.js';

describe('R8: a callback', () => {
  /** A driver that does this on behalf of every range. */
  function driver(m: WatchedDevice, quiesce: (range: InvalidateRange) => Task): void {
    m.driver((range) => void range.hold('driver', quiesce(range)));
  }

  it('may take a lock of its own', () => {
    const m = new WatchedDevice();
    const lock = new Lock(m.simulation, 'umem_mutex');
    driver(m, function* () {
      yield lock;
      lock.release();
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('is one of the task that the range is held for: what others do meanwhile is theirs', () => {
    const m = new WatchedDevice();
    driver(m, function* () {
      yield 1000;
    });
    const other = m.kernel.createProcess('other');
    const reader = function* (): Task {
      yield 500;
      yield other.mm.mmapLock.shared;
      other.mm.mmapLock.releaseShared();
    };
    m.simulation.spawn('reader', reader());
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
    expect(m.simulation.now).toBe(1000);
  });

  it('may not take mmap_lock, though it happens to be free', () => {
    const m = new WatchedDevice();
    driver(m, function* () {
      yield m.mm.mmapLock.shared;
      m.mm.mmapLock.releaseShared();
    });
    const violation = m.verdict(() => m.run(m.kernel.madviseDontneed(m.process, 2 ** 40, 4096)));
    expect(violation).toMatchObject({
      rule: 'R8',
      device: 'driver "driver"',
      after: { what: 'it wanted mmap_lock of mm of app' },
    });
    expect(violation?.before?.what).toMatch(/^it was called for CLEAR /);
  });

  it('may not take a folio lock, but may try to', () => {
    const m = new WatchedDevice();
    const folio = m.device.frameOf(3);
    let take = false;
    driver(m, function* () {
      if (take) yield* m.memory.lockFolio(folio);
      else m.memory.tryLockFolio(folio);
      m.memory.unlockFolio(folio);
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
    take = true;
    expect(m.breaks(() => m.munmap(1, 1))).toBe('R8');
  });

  it('may not ask for memory that it may have to wait for', () => {
    const m = new WatchedDevice();
    driver(m, function* () {
      yield* m.kernel.mm.allocate(0);
    });
    expect(m.verdict(() => m.munmap(0, 1))?.after.what).toMatch(/^it asked for memory/);
  });
});

describe('R8: a lock that callbacks take', () => {
  function setUp(): { m: WatchedDevice; lock: Lock; wrongOrder: () => Task } {
    const m = new WatchedDevice();
    const lock = new Lock(m.simulation, 'umem_mutex');
    m.driver((range) => void range.hold('driver', takeAndRelease(lock)));
    function* wrongOrder(): Task {
      yield lock;
      yield m.mm.mmapLock.shared;
      m.mm.mmapLock.releaseShared();
      lock.release();
    }
    return { m, lock, wrongOrder };
  }

  it('may be taken inside mmap_lock', () => {
    const { m, lock } = setUp();
    m.munmap(0, 1);
    const rightOrder = function* (): Task {
      yield m.mm.mmapLock.shared;
      yield* takeAndRelease(lock);
      m.mm.mmapLock.releaseShared();
    };
    expect(m.breaks(() => m.run(rightOrder()))).toBeNull();
  });

  it('may not be held by who takes mmap_lock: no deadlock need happen to see that', () => {
    const { m, wrongOrder } = setUp();
    m.munmap(0, 1);
    const violation = m.verdict(() => m.run(wrongOrder()));
    expect(violation?.rule).toBe('R8');
    expect(violation?.before?.what).toBe('a callback of driver "driver" took umem_mutex');
    expect(violation?.after.what).toMatch(/wanted mmap_lock of mm of app while it had umem_mutex$/);
  });

  it('nor may it have been, whichever is seen first', () => {
    const { m, wrongOrder } = setUp();
    m.run(wrongOrder());
    expect(m.breaks(() => m.munmap(0, 1))).toBe('R8');
  });
});

function* takeAndRelease(lock: Lock): Task {
  yield lock;
  lock.release();
}
