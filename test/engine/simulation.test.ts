import {
  Barrier,
  Condition,
  DeadlockError,
  Gate,
  Lock,
  MS,
  ReplayPolicy,
  RandomPolicy,
  RandomStream,
  RwLock,
  SEC,
  Semaphore,
  Simulation,
  SimulationError,
  TaskFailure,
  type Choice,
  type SchedulePolicy,
  type Task,
  type Wait,
} from '../../src/engine/index.js';

/** A task that writes its name down after each of the given delays. */
function* walker(log: string[], simulation: Simulation, name: string, delays: readonly number[]): Task {
  for (const delay of delays) {
    yield delay;
    log.push(`${name}@${String(simulation.now)}`);
  }
}

describe('Simulation', () => {
  it('runs tasks in virtual time, in the order of their wake-ups', () => {
    const simulation = new Simulation();
    const log: string[] = [];
    simulation.spawn('slow', walker(log, simulation, 'slow', [30, 30]));
    simulation.spawn('fast', walker(log, simulation, 'fast', [10, 10, 10]));
    simulation.run();
    // At 30 both are due; `slow` has asked first.
    expect(log).toEqual(['fast@10', 'fast@20', 'slow@30', 'fast@30', 'slow@60']);
    expect(simulation.now).toBe(60);
  });

  it('lets a task that yields 0 go behind those that are ready at this instant', () => {
    const simulation = new Simulation();
    const log: string[] = [];
    simulation.spawn('a', walker(log, simulation, 'a', [0, 0]));
    simulation.spawn('b', walker(log, simulation, 'b', [0, 0]));
    simulation.run();
    expect(log).toEqual(['a@0', 'b@0', 'a@0', 'b@0']);
  });

  it('returns what a task returned', () => {
    const simulation = new Simulation();
    const answer = simulation.runTask(
      'asker',
      (function* (): Task<number> {
        const child = simulation.spawn(
          'child',
          (function* (): Task<number> {
            yield 5;
            return 41;
          })(),
        );
        yield child;
        return child.result + 1;
      })(),
    );
    expect(answer).toBe(42);
  });

  it('ends when every task that is no daemon has ended', () => {
    const simulation = new Simulation();
    let ticks = 0;
    simulation.spawn(
      'clock',
      (function* (): Task {
        for (;;) {
          yield 10;
          ticks++;
        }
      })(),
      { daemon: true },
    );
    simulation.spawn('work', walker([], simulation, 'work', [35]));
    simulation.run();
    expect(ticks).toBe(3);
  });

  it.each([undefined, 'soon', { name: 'no waitable' }])('refuses a task that yields %p, where it yields it', (junk) => {
    const simulation = new Simulation();
    let seen: unknown;
    function* confused(): Task {
      try {
        yield junk as unknown as number;
      } catch (error) {
        seen = error;
      }
    }
    simulation.runTask('confused', confused());
    expect(String(seen)).toMatch(/a task waits for a delay or a waitable, not /);
  });

  it.each([
    ['an async generator', (async function* () {})(), /this is async: time is virtual, and nothing is awaited$/],
    ['a promise', Promise.resolve(), /this is async/],
    ['a function that was not called', function* () {}, /this is a function: call it$/],
    ['nothing', undefined, /this is undefined$/],
  ])('refuses %s, which would never be done', (_what, junk, message) => {
    const simulation = new Simulation();
    expect(() => simulation.spawn('confused', junk as unknown as Task)).toThrow(message);
    expect(() => simulation.runTask('confused', junk as unknown as Task)).toThrow(message);
  });

  it.each([-1, 0.5, Number.NaN])('refuses a delay of %p ns', (delay) => {
    const simulation = new Simulation();
    simulation.spawn('hasty', walker([], simulation, 'hasty', [delay]));
    expect(() => {
      simulation.run();
    }).toThrow(/a delay must be an integer of 0 ns or more/);
  });

  it('stops the run at the first exception and says which task, when, and with which seed', () => {
    const simulation = new Simulation({ seed: 7 });
    simulation.spawn(
      'careless driver',
      (function* (): Task {
        yield 1500;
        throw new Error('no such page');
      })(),
    );
    expect(() => {
      simulation.run();
    }).toThrow(new TaskFailure('task "careless driver"', 1500, 7, new Error('no such page')));
  });

  it('may not be run from inside itself', () => {
    const simulation = new Simulation();
    simulation.after(1, 'nested', () => {
      simulation.run();
    });
    expect(() => {
      simulation.runUntilIdle();
    }).toThrow(/run\(\) was called from inside the run/);
  });
});

describe('timers', () => {
  it('fire once per arming, at their time', () => {
    const simulation = new Simulation();
    const fired: number[] = [];
    const timer = simulation.timer('retry', () => {
      fired.push(simulation.now);
      if (fired.length < 3) timer.arm(100);
    });
    timer.arm(50);
    simulation.runUntilIdle();
    expect(fired).toEqual([50, 150, 250]);
  });

  it('are moved by arming them again and silenced by disarming them', () => {
    const simulation = new Simulation();
    const fired: string[] = [];
    const moved = simulation.timer('moved', () => fired.push(`moved@${String(simulation.now)}`));
    const silenced = simulation.timer('silenced', () => fired.push('silenced'));
    moved.arm(10);
    moved.arm(20);
    silenced.arm(10);
    silenced.disarm();
    simulation.runUntilIdle();
    expect(fired).toEqual(['moved@20']);
    expect(simulation.now).toBe(20);
  });

  it('due at the same instant can still disarm each other', () => {
    const simulation = new Simulation();
    const fired: string[] = [];
    const second = simulation.timer('second', () => fired.push('second'));
    const first = simulation.timer('first', () => {
      fired.push('first');
      second.disarm();
    });
    first.arm(10);
    second.arm(10);
    simulation.runUntilIdle();
    expect(fired).toEqual(['first']);
  });

  it('that were cancelled leave nothing behind for the next user of their slot', () => {
    const simulation = new Simulation();
    const fired: string[] = [];
    simulation.after(10, 'cancelled', () => fired.push('cancelled')).cancel();
    simulation.after(10, 'kept', () => fired.push('kept'));
    simulation.runUntilIdle();
    expect(fired).toEqual(['kept']);
  });

  it('run up to a given time and no further', () => {
    const simulation = new Simulation();
    const fired: number[] = [];
    for (const delay of [10, 20, 30]) simulation.after(delay, 'tick', () => fired.push(simulation.now));
    simulation.runUntil(20);
    expect(fired).toEqual([10, 20]);
    expect(simulation.now).toBe(20);
  });
});

/** Takes what it is given, one after the other, and lets go of nothing. */
function* taking(waits: readonly Wait[]): Task {
  for (const wait of waits) yield wait;
}

describe('deadlock detection', () => {
  it('names the tasks and what each waits for, as soon as a cycle of locks closes', () => {
    const simulation = new Simulation({ seed: 3 });
    const mmapLock = new Lock(simulation, 'mmap_lock');
    const umemMutex = new Lock(simulation, 'umem_mutex');
    function* taking(first: Lock, second: Lock): Task {
      yield first;
      yield 10;
      yield second;
    }
    simulation.spawn('fault', taking(mmapLock, umemMutex));
    simulation.spawn('invalidate', taking(umemMutex, mmapLock));
    // A task that goes on for ever does not hide it.
    simulation.spawn('clock', walker([], simulation, 'clock', new Array<number>(1000).fill(SEC)));
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        'deadlock at 10 ns (seed 3): these tasks wait for each other',
        '  task "invalidate" waits for mmap_lock, held by "fault"',
        '  task "fault" waits for umem_mutex, held by "invalidate"',
      ].join('\n'),
    );
  });

  it('finds a task that waits for something that nobody will bring', () => {
    const simulation = new Simulation();
    const drained = new Gate(simulation, 'DMA of nic0');
    simulation.spawn(
      'munmap',
      (function* (): Task {
        yield drained;
      })(),
    );
    expect(() => {
      simulation.run();
    }).toThrow(/task "munmap" waits for DMA of nic0 to open/);
  });

  it('goes on from a task through the daemons that it waits for', () => {
    const simulation = new Simulation({ seed: 6 });
    const folio = new Lock(simulation, 'folio 1');
    const answer = new Condition(simulation, 'an answer of the disk');
    simulation.spawn('flusher', taking([folio, answer]), { daemon: true });
    simulation.spawn('fsync', taking([10, folio]));
    simulation.spawn('idle worker', taking([new Condition(simulation, 'work')]), { daemon: true });
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        'deadlock at 10 ns (seed 6): nothing is left that could wake them',
        '  task "fsync" waits for folio 1, held by "flusher"',
        '  daemon "flusher" waits for an answer of the disk',
      ].join('\n'),
    );
  });

  it('names a hold that is never released though only a daemon waits for it and nothing links the two', () => {
    const simulation = new Simulation({ seed: 2 });
    const range = new Barrier(simulation, 'CLEAR [0x1000, 0x2000) of mm 1');
    range.hold('never');
    simulation.spawn('fsync loop', taking([range]), { daemon: true });
    simulation.spawn('replay', taking([new Condition(simulation, 'a completion')]));
    simulation.spawn('idle worker', taking([new Condition(simulation, 'work')]), { daemon: true });
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        'deadlock at 0 ns (seed 2): nothing is left that could wake them',
        '  task "replay" waits for a completion',
        '  daemon "fsync loop" waits for CLEAR [0x1000, 0x2000) of mm 1, held by "never"',
      ].join('\n'),
    );
  });

  it('names both halves of a cycle through a barrier and a daemon, though it cannot know that it is one', () => {
    const simulation = new Simulation();
    const mmapLock = new Lock(simulation, 'mmap_lock');
    const range = new Barrier(simulation, 'UNMAP range');
    const hold = range.hold('driver');
    simulation.spawn(
      'quiesce',
      (function* (): Task {
        yield 10;
        yield mmapLock;
        hold.release();
      })(),
      { daemon: true },
    );
    simulation.spawn('munmap', taking([mmapLock, 20, range]));
    simulation.spawn('ticker', walker([], simulation, 'ticker', new Array<number>(1000).fill(SEC)), { daemon: true });
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        '  task "munmap" waits for UNMAP range, held by "driver"',
        '  daemon "quiesce" waits for mmap_lock, held by "munmap"',
      ].join('\n'),
    );
  });

  it('names who has the permits of a semaphore', () => {
    const simulation = new Simulation();
    const slots = new Semaphore(simulation, 'queue depth', 2);
    simulation.spawn('first', taking([slots, new Condition(simulation, 'a reply')]), { daemon: true });
    simulation.spawn('second', taking([slots, new Condition(simulation, 'a reply')]), { daemon: true });
    simulation.spawn('third', taking([1, slots]));
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        '  task "third" waits for a permit of queue depth (2 in all)',
        '  daemon "first" waits for a reply',
        '  daemon "second" waits for a reply',
      ].join('\n'),
    );
  });

  it.each([
    ['a lock', (simulation: Simulation): Wait[] => [new Lock(simulation, 'folio 1')], 'folio 1'],
    ['a shared lock', (simulation: Simulation): Wait[] => [new RwLock(simulation, 'mmap_lock').shared], 'mmap_lock'],
    ['an exclusive lock', (simulation: Simulation): Wait[] => [new RwLock(simulation, 'i_rwsem').exclusive], 'i_rwsem'],
  ] as const)('does not let a task end with %s: whoever gets its id next would have it', (_, waits, lock) => {
    const simulation = new Simulation();
    expect(() => simulation.runTask('careless', taking(waits(simulation)))).toThrow(
      new RegExp(`task "careless" failed .*: it ended while it holds ${lock}`),
    );
  });

  it.each([
    ['yields no time', 0],
    ['takes what is always free', 'gate'],
  ] as const)('stops a task that %s for ever', (_, wait) => {
    const simulation = new Simulation({ seed: 4 });
    const open = new Gate(simulation, 'an open gate');
    open.open();
    simulation.spawn(
      'spinner',
      (function* (): Task {
        yield 5;
        for (;;) yield wait === 0 ? 0 : open;
      })(),
    );
    expect(() => {
      simulation.run();
    }).toThrow(
      'livelock at 5 ns (seed 4): time has not moved for 20,000,000 steps; the last one was of task "spinner"',
    );
  });

  it('gives up on tasks that all wait while daemons tick, after 120 virtual seconds as Linux does', () => {
    const simulation = new Simulation();
    const never = new Condition(simulation, 'a completion');
    simulation.spawn(
      'waiter',
      (function* (): Task {
        yield never;
      })(),
    );
    simulation.spawn('flusher', walker([], simulation, 'flusher', new Array<number>(1000).fill(5 * SEC)), {
      daemon: true,
    });
    expect(() => {
      simulation.run();
    }).toThrow(DeadlockError);
    expect(simulation.now).toBe(120 * SEC);
  });

  it('does not mistake a long sleep for a hang', () => {
    const simulation = new Simulation();
    simulation.spawn('sleeper', walker([], simulation, 'sleeper', [1000 * SEC]));
    simulation.run();
    expect(simulation.now).toBe(1000 * SEC);
  });
});

describe('schedule policies', () => {
  /** Two tasks that read a counter, give way, and write it back: 1 or 2, depending on the schedule. */
  function lostUpdate(policy: SchedulePolicy): number {
    const simulation = new Simulation({ policy });
    let counter = 0;
    function* increment(): Task {
      yield 0;
      const seen = counter;
      yield 0;
      counter = seen + 1;
    }
    simulation.spawn('left', increment());
    simulation.spawn('right', increment());
    simulation.run();
    return counter;
  }

  it('decide everything that is not decided by time', () => {
    const results = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) results.add(lostUpdate(new RandomPolicy(new RandomStream(seed))));
    expect([...results].sort()).toEqual([1, 2]);
  });

  it('replay: the picks of one run give the same run again', () => {
    const recorded = new ReplayPolicy([1, 1]);
    const result = lostUpdate(recorded);
    const again = new ReplayPolicy(recorded.choices.map((choice) => choice.picked));
    expect(lostUpdate(again)).toBe(result);
    expect(again.choices).toEqual(recorded.choices);
  });

  it('branch: changing the last pick of a prefix visits every schedule once', () => {
    const seen = new Map<string, number>();
    let prefix: number[] | null = [];
    while (prefix !== null) {
      const policy: ReplayPolicy = new ReplayPolicy(prefix);
      const result = lostUpdate(policy);
      seen.set(policy.choices.map((choice) => choice.picked).join(''), result);
      prefix = nextPrefix(policy.choices);
    }
    // Two tasks of three steps each: 6! / (3! 3!) interleavings.
    expect(seen.size).toBe(20);
    expect(new Set(seen.values())).toEqual(new Set([1, 2]));
  });

  it('that do not fit the run are refused', () => {
    expect(() => lostUpdate(new ReplayPolicy([5]))).toThrow(/picks number 5 of 2 ready tasks/);
  });

  function nextPrefix(choices: readonly Choice[]): number[] | null {
    for (let last = choices.length - 1; last >= 0; last--) {
      if (choices[last].picked + 1 < choices[last].candidates) {
        return [...choices.slice(0, last).map((choice) => choice.picked), choices[last].picked + 1];
      }
    }
    return null;
  }
});

describe('Condition.waitFor', () => {
  it('says whether the notification or the timeout came first', () => {
    const simulation = new Simulation();
    const condition = new Condition(simulation, 'an ACK');
    const results: string[] = [];
    function* waiter(timeout: number): Task {
      const notified = yield* condition.waitFor(timeout);
      results.push(`${String(notified)}@${String(simulation.now)}`);
    }
    simulation.spawn('patient', waiter(10 * MS));
    simulation.spawn('hasty', waiter(1 * MS));
    simulation.after(5 * MS, 'ack', () => {
      condition.notifyAll();
    });
    simulation.run();
    expect(results).toEqual([`false@${String(MS)}`, `true@${String(5 * MS)}`]);
  });
});

it('a task handle has no result while the task runs', () => {
  const simulation = new Simulation();
  const handle = simulation.spawn('unfinished', walker([], simulation, 'unfinished', [10]));
  expect(() => handle.result).toThrow(SimulationError);
});
