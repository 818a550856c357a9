import fc from 'fast-check';
import {
  Barrier,
  Lock,
  RandomPolicy,
  RandomStream,
  RwLock,
  Semaphore,
  Simulation,
  type Task,
} from '../../src/engine/index.js';

describe('Lock', () => {
  it('is handed to the longest waiter', () => {
    const simulation = new Simulation();
    const lock = new Lock(simulation, 'folio 7');
    const order: string[] = [];
    function* holder(name: string): Task {
      yield lock;
      order.push(name);
      yield 10;
      lock.release();
    }
    for (const name of ['first', 'second', 'third']) simulation.spawn(name, holder(name));
    simulation.run();
    expect(order).toEqual(['first', 'second', 'third']);
    expect(simulation.now).toBe(30);
  });

  it('may be released by its owner only, and once', () => {
    const simulation = new Simulation();
    const lock = new Lock(simulation, 'umem_mutex');
    simulation.spawn(
      'owner',
      (function* (): Task {
        yield lock;
        yield 100;
      })(),
    );
    simulation.spawn(
      'thief',
      (function* (): Task {
        yield 10;
        lock.release();
      })(),
    );
    expect(() => {
      simulation.run();
    }).toThrow(/umem_mutex: released by thief, held by "owner"/);
  });

  it('is not recursive', () => {
    const simulation = new Simulation();
    const lock = new Lock(simulation, 'mmap_lock');
    simulation.spawn(
      'twice',
      (function* (): Task {
        yield lock;
        yield lock;
      })(),
    );
    expect(() => {
      simulation.run();
    }).toThrow(/mmap_lock: task "twice" holds it already/);
  });
});

describe('RwLock', () => {
  it('lets readers in together and a waiting writer before later readers', () => {
    const simulation = new Simulation();
    const lock = new RwLock(simulation, 'mmap_lock');
    const log: string[] = [];
    function* reader(name: string, start: number): Task {
      yield start;
      yield lock.shared;
      log.push(`${name}+${String(simulation.now)}`);
      yield 10;
      lock.releaseShared();
    }
    function* writer(start: number): Task {
      yield start;
      yield lock.exclusive;
      log.push(`writer+${String(simulation.now)}`);
      yield 10;
      lock.releaseExclusive();
    }
    simulation.spawn('a', reader('a', 0));
    simulation.spawn('b', reader('b', 1));
    simulation.spawn('w', writer(2));
    simulation.spawn('c', reader('c', 3));
    simulation.run();
    expect(log).toEqual(['a+0', 'b+1', 'writer+11', 'c+21']);
  });

  it('can be downgraded without letting a writer in between', () => {
    const simulation = new Simulation();
    const lock = new RwLock(simulation, 'mmap_lock');
    const log: string[] = [];
    simulation.spawn(
      'downgrader',
      (function* (): Task {
        yield lock.exclusive;
        yield 10;
        lock.downgrade();
        yield 10;
        log.push('reader done');
        lock.releaseShared();
      })(),
    );
    simulation.spawn(
      'writer',
      (function* (): Task {
        yield 1;
        yield lock.exclusive;
        log.push('writer');
        lock.releaseExclusive();
      })(),
    );
    simulation.run();
    expect(log).toEqual(['reader done', 'writer']);
  });

  it('never has a writer beside anybody else, in any schedule', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), (seed, writers) => {
        const simulation = new Simulation({ policy: new RandomPolicy(new RandomStream(seed)) });
        const lock = new RwLock(simulation, 'lock');
        let readers = 0;
        let writing = 0;
        function* user(writes: boolean): Task {
          yield writes ? lock.exclusive : lock.shared;
          if (writes) writing++;
          else readers++;
          expect(writing === 0 || (writing === 1 && readers === 0)).toBe(true);
          yield 0;
          if (writes) {
            writing--;
            lock.releaseExclusive();
          } else {
            readers--;
            lock.releaseShared();
          }
        }
        writers.forEach((writes, i) => simulation.spawn(`user ${String(i)}`, user(writes)));
        simulation.run();
      }),
    );
  });
});

describe('Semaphore', () => {
  it('admits as many as it has permits', () => {
    const simulation = new Simulation();
    const slots = new Semaphore(simulation, 'queue depth', 2);
    const ends: number[] = [];
    for (let i = 0; i < 5; i++) {
      simulation.spawn(
        `request ${String(i)}`,
        (function* (): Task {
          yield slots;
          yield 10;
          slots.release();
          ends.push(simulation.now);
        })(),
      );
    }
    simulation.run();
    expect(ends).toEqual([10, 10, 20, 20, 30]);
  });

  it('refuses a release that nobody took', () => {
    const simulation = new Simulation();
    expect(() => {
      new Semaphore(simulation, 'queue depth', 1).release();
    }).toThrow(/queue depth: released more often than taken/);
  });
});

describe('Barrier', () => {
  it('lets a task pass when the last hold has been released', () => {
    const simulation = new Simulation();
    const barrier = new Barrier(simulation, 'quiesce');
    const holds = ['nic0', 'nic1'].map((owner) => barrier.hold(owner));
    simulation.after(10, 'nic0 done', () => {
      holds[0].release();
    });
    simulation.after(25, 'nic1 done', () => {
      holds[1].release();
    });
    simulation.runTask(
      'kernel',
      (function* (): Task {
        yield barrier;
      })(),
    );
    expect(simulation.now).toBe(25);
  });

  it('names who still holds it', () => {
    const simulation = new Simulation();
    const barrier = new Barrier(simulation, 'quiesce');
    barrier.hold('nic0').release();
    barrier.hold('nic1');
    expect(barrier.describe()).toBe('quiesce, held by "nic1"');
  });

  it('refuses a second release of one hold', () => {
    const simulation = new Simulation();
    const hold = new Barrier(simulation, 'quiesce').hold('nic0');
    hold.release();
    expect(() => {
      hold.release();
    }).toThrow('quiesce: "nic0" released its hold twice');
  });
});
