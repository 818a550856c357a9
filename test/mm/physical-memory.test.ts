import { PAGE_SIZE } from '../../src/base/index.js';
import { Simulation, type Task } from '../../src/engine/index.js';
import { PG_WRITEBACK, PhysicalMemory, ZERO_FRAME } from '../../src/mm/index.js';

function setUp(frames = 64): { simulation: Simulation; memory: PhysicalMemory } {
  const simulation = new Simulation({ seed: 3 });
  return { simulation, memory: new PhysicalMemory(simulation, frames, true) };
}

describe('physical memory', () => {
  it('allocates folios with one reference and takes them back with the last one', () => {
    const { memory } = setUp();
    const before = memory.freeFrames;
    const folio = memory.allocate(2);
    expect(memory.frames.refcount[folio]).toBe(1);
    expect([0, 1, 2, 3].map((i) => memory.frames.folioOf(folio + i))).toEqual([folio, folio, folio, folio]);
    memory.frames.get(folio);
    memory.put(folio);
    expect(memory.freeFrames).toBe(before - 4);
    memory.put(folio);
    expect(memory.freeFrames).toBe(before);
    expect([0, 1, 2, 3].some((i) => memory.frames.isAllocated(folio + i))).toBe(false);
  });

  it('zeroes a folio when it is allocated, not when it is freed: who writes late, writes into free memory', () => {
    const { memory } = setUp();
    const folio = memory.allocate(0);
    memory.put(folio);
    memory.contents.write(folio, 10, 1, memory.nextStamp(), Uint8Array.of(7));
    const byte = new Uint8Array(1);
    memory.contents.read(folio, 10, byte, 0, 1);
    expect(byte[0]).toBe(7);
    expect(memory.allocate(0)).toBe(folio);
    memory.contents.read(folio, 10, byte, 0, 1);
    expect(byte[0]).toBe(0);
    expect(memory.contents.writtenPages()).toEqual([]);
  });

  it('says -1 when nothing is left', () => {
    const { memory } = setUp(3);
    expect(new Set([memory.allocate(0), memory.allocate(0)])).toEqual(new Set([1, 2]));
    expect(memory.allocate(0)).toBe(-1);
  });

  it('has a zero page that is always there', () => {
    const { memory } = setUp();
    expect(memory.frames.isAllocated(ZERO_FRAME)).toBe(true);
    expect(() => {
      memory.put(ZERO_FRAME);
    }).toThrow(/folio 0 was freed while mapped, locked, reserved or under writeback/);
  });

  it('frees a pinned folio with its last pin', () => {
    const { memory } = setUp();
    const before = memory.freeFrames;
    const folio = memory.allocate(1);
    memory.frames.pin(folio + 1);
    memory.put(folio);
    expect(memory.freeFrames).toBe(before - 2);
    memory.unpin(folio + 1);
    expect(memory.freeFrames).toBe(before);
  });

  it.each([
    ['mapped', (memory: PhysicalMemory, folio: number) => memory.frames.mapcount[folio]++],
    ['under writeback', (memory: PhysicalMemory, folio: number) => memory.frames.set(folio, PG_WRITEBACK)],
  ])('does not free a folio that is still %s', (_what, hold) => {
    const { memory } = setUp();
    const folio = memory.allocate(0);
    hold(memory, folio);
    expect(() => {
      memory.put(folio);
    }).toThrow(/was freed while mapped, locked, reserved or under writeback/);
  });

  it('numbers writes, later ones higher', () => {
    const { memory } = setUp();
    const stamps = [memory.nextStamp(), memory.nextStamp(), memory.nextStamp()];
    expect(stamps).toEqual([1, 2, 3]);
  });
});

describe('the lock of a folio', () => {
  it('is handed on, and costs nothing while nobody has it', () => {
    const { simulation, memory } = setUp();
    const folio = memory.allocate(0);
    const order: string[] = [];
    function* holder(name: string): Task {
      yield* memory.lockFolio(folio);
      order.push(`${name}+${simulation.now}`);
      yield 10;
      memory.unlockFolio(folio);
    }
    simulation.spawn('a', holder('a'));
    simulation.spawn('b', holder('b'));
    simulation.run();
    expect(order).toEqual(['a+0', 'b+10']);
    expect(memory.isLocked(folio)).toBe(false);
  });

  it('can be tried', () => {
    const { simulation, memory } = setUp();
    const folio = memory.allocate(0);
    const tries = simulation.runTask(
      'trier',
      (function* (): Task<boolean[]> {
        const first = memory.tryLockFolio(folio);
        const second = memory.tryLockFolio(folio);
        memory.unlockFolio(folio);
        return [first, second, memory.isLocked(folio)];
      })(),
    );
    expect(tries).toEqual([true, false, false]);
  });

  it('is not for free folios, and not to be released by who does not have it', () => {
    const { simulation, memory } = setUp();
    expect(() => {
      simulation.runTask('locker', memory.lockFolio(9));
    }).toThrow(/folio 9 was locked, but is free/);
    expect(() => {
      memory.unlockFolio(memory.allocate(0));
    }).toThrow(/was unlocked, but is not locked/);
  });

  it('keeps its folio: one that is locked is not freed', () => {
    const { simulation, memory } = setUp();
    const folio = memory.allocate(0);
    expect(() => {
      simulation.runTask(
        'careless',
        (function* (): Task {
          yield* memory.lockFolio(folio);
          memory.put(folio);
        })(),
      );
    }).toThrow(/was freed while mapped, locked/);
  });
});

describe('waiting for writeback', () => {
  it('ends when the flag is gone, and does not begin without it', () => {
    const { simulation, memory } = setUp();
    const folio = memory.allocate(0);
    simulation.runTask('passer-by', memory.waitForWriteback(folio));
    expect(simulation.now).toBe(0);

    memory.frames.set(folio, PG_WRITEBACK);
    simulation.after(500, 'the disk', () => {
      memory.frames.clear(folio, PG_WRITEBACK);
      memory.wakeWritebackWaiters(folio);
    });
    const one = simulation.spawn('one', memory.waitForWriteback(folio));
    simulation.runTask('two', memory.waitForWriteback(folio));
    expect([one.done, simulation.now]).toEqual([true, 500]);
  });

  it('goes on if the folio is under writeback again by the time the waiter runs', () => {
    const { simulation, memory } = setUp();
    const folio = memory.allocate(0);
    memory.frames.set(folio, PG_WRITEBACK);
    for (const time of [100, 200]) {
      simulation.after(time, 'the disk', () => {
        memory.frames.clear(folio, PG_WRITEBACK);
        memory.wakeWritebackWaiters(folio);
        if (time === 100) memory.frames.set(folio, PG_WRITEBACK);
      });
    }
    simulation.runTask('fsync', memory.waitForWriteback(folio));
    expect(simulation.now).toBe(200);
  });
});

describe('the bytes of a folio', () => {
  it('are those of its frames, one after the other', () => {
    const { memory } = setUp();
    const folio = memory.allocate(1);
    memory.contents.write(folio + 1, PAGE_SIZE - 1, 1, 1, Uint8Array.of(5));
    expect([memory.contents.stampAt(folio, PAGE_SIZE - 1), memory.contents.stampAt(folio + 1, PAGE_SIZE - 1)]).toEqual([
      0, 1,
    ]);
  });
});
