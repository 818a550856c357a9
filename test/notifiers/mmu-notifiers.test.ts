import { isErrno } from '../../src/base/index.js';
import { Lock, Simulation, type Hold, type Task } from '../../src/engine/index.js';
import {
  MmuNotifiers,
  NotifierHub,
  ULONG_MAX,
  type IntervalNotifier,
  type InvalidateRange,
  type MmuNotifier,
} from '../../notifiers/index.js';

const MM = { id: 1, name: 'mm 1' };

function setUp(): { simulation: Simulation; hub: NotifierHub; notifiers: MmuNotifiers } {
  const simulation = new Simulation({ seed: 5 });
  const hub = new NotifierHub(simulation);
  return { simulation, hub, notifiers: new MmuNotifiers(hub, MM) };
}

/** Announces a range, waits for its holds, lets `inside` happen, and ends it: what the kernel does. */
function* invalidate(notifiers: MmuNotifiers, start: number, end: number, inside?: () => void): Task<InvalidateRange> {
  const range = notifiers.invalidateRangeStart('CLEAR', start, end);
  if (range.holds > 0) yield range;
  inside?.();
  notifiers.invalidateRangeEnd(range);
  return range;
}

describe('a blocking invalidation', () => {
  it('waits until every driver that holds it has released', () => {
    const { simulation, notifiers } = setUp();
    const log: string[] = [];
    for (const [name, time] of [
      ['nic0', 100],
      ['nic1', 300],
    ] as const) {
      notifiers.register({
        name,
        invalidateRangeStart: (range) => {
          const hold = range.hold(name);
          simulation.after(time, 'drained', () => {
            log.push(`${name} drained`);
            hold.release();
          });
        },
      });
    }
    const range = simulation.runTask(
      'munmap',
      invalidate(notifiers, 0x1000, 0x2000, () => log.push('page table changed')),
    );
    expect(log).toEqual(['nic0 drained', 'nic1 drained', 'page table changed']);
    expect(range).toMatchObject({ startedAt: 0, quiescedAt: 300, endedAt: 300, event: 'CLEAR', blockable: true });
  });

  it('costs no virtual time if nobody holds it', () => {
    const { simulation, notifiers } = setUp();
    notifiers.register({ name: 'quick', invalidateRangeStart: () => undefined });
    simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000));
    expect(simulation.now).toBe(0);
  });

  it('calls interval notifiers that overlap, then classic ones', () => {
    const { simulation, notifiers } = setUp();
    const calls: string[] = [];
    notifiers.register({ name: 'kvm', invalidateRangeStart: () => calls.push('kvm') });
    for (const [name, start] of [
      ['hit', 0x1000],
      ['missed', 0x5000],
    ] as const) {
      const subscription = notifiers.insertInterval(start, 0x1000, {
        name,
        invalidate: (_range, seq) => {
          calls.push(name);
          subscription.setSeq(seq);
        },
      });
    }
    simulation.runTask('munmap', invalidate(notifiers, 0x0, 0x2000));
    expect(calls).toEqual(['hit', 'kvm']);
  });

  it('can be held by a subscriber of the stream of starts', () => {
    const { simulation, hub, notifiers } = setUp();
    hub.start$.subscribe((range) => {
      range.hold(
        'observer',
        (function* (): Task {
          yield 50;
        })(),
      );
    });
    const range = simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000));
    expect(range.quiescedAt).toBe(50);
  });
});

describe('a driver that breaks the rules', () => {
  it('by taking a hold late stops the run', () => {
    const { simulation, notifiers } = setUp();
    let kept: InvalidateRange | null = null;
    notifiers.register({
      name: 'late',
      invalidateRangeStart: (range) => {
        kept = range;
      },
    });
    simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000));
    expect(() => kept?.hold('late')).toThrow(
      '"late" took a hold on CLEAR [0x1000, 0x2000) of mm 1 after its start had been announced',
    );
  });

  it('by throwing is named with its range, the time and the seed', () => {
    const { simulation, notifiers } = setUp();
    notifiers.register({
      name: 'buggy',
      invalidateRangeStart: () => {
        throw new Error('index out of range');
      },
    });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      'task "munmap" failed at 0 ns (seed 5): driver "buggy" threw in ' +
        'invalidateRangeStart(CLEAR [0x1000, 0x2000) of mm 1): index out of range',
    );
  });

  it('by never releasing is named with its range when everybody waits', () => {
    const { simulation, notifiers } = setUp();
    notifiers.register({ name: 'forgetful', invalidateRangeStart: (range) => void range.hold('forgetful') });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      /\(seed 5\).*\n {2}task "munmap" waits for CLEAR \[0x1000, 0x2000\) of mm 1, held by "forgetful"/,
    );
  });

  it('by waiting in its quiesce task for what the kernel holds is named as soon as the cycle closes', () => {
    const { simulation, notifiers } = setUp();
    const mmapLock = new Lock(simulation, 'mmap_lock of mm 1');
    notifiers.register({
      name: 'greedy',
      invalidateRangeStart: (range) => {
        range.hold(
          'greedy',
          (function* (): Task {
            yield 10;
            yield mmapLock;
          })(),
        );
      },
    });
    simulation.spawn(
      'munmap',
      (function* (): Task {
        yield mmapLock;
        yield* invalidate(notifiers, 0x1000, 0x2000);
      })(),
    );
    // What goes on elsewhere does not hide it.
    simulation.after(1_000_000, 'elsewhere', () => undefined);
    expect(() => {
      simulation.run();
    }).toThrow(
      [
        'deadlock at 10 ns (seed 5): these tasks wait for each other',
        '  daemon "greedy" waits for mmap_lock of mm 1, held by "munmap"',
        '  task "munmap" waits for CLEAR [0x1000, 0x2000) of mm 1, held by "greedy"',
      ].join('\n'),
    );
  });

  it('by releasing twice is named with its range', () => {
    const { simulation, notifiers } = setUp();
    notifiers.register({
      name: 'twice',
      invalidateRangeStart: (range) => {
        const hold: Hold = range.hold('twice');
        hold.release();
        hold.release();
      },
    });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      /"twice" released its hold on CLEAR \[0x1000, 0x2000\) of mm 1 twice/,
    );
  });

  it('by refusing a blockable range stops the run', () => {
    const { simulation, notifiers } = setUp();
    notifiers.register({
      name: 'shy',
      invalidateRangeStart: (range) => {
        range.refuse('shy');
      },
    });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      /"shy" refused CLEAR \[0x1000, 0x2000\) of mm 1: a blockable range cannot be refused/,
    );
  });
});

describe('a kernel that breaks the rules', () => {
  it('by ending a range twice is told so, though another one is open', () => {
    const { notifiers } = setUp();
    const range = notifiers.invalidateRangeStart('UNMAP', 0x1000, 0x2000);
    notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    notifiers.invalidateRangeEnd(range);
    expect(() => {
      notifiers.invalidateRangeEnd(range);
    }).toThrow('the kernel ended UNMAP [0x1000, 0x2000) of mm 1, which had ended already');
  });

  it('by ending a range that was refused is told so', () => {
    const { hub, notifiers } = setUp();
    const refused: InvalidateRange[] = [];
    hub.refused$.subscribe((range) => refused.push(range));
    notifiers.register({
      name: 'odp',
      invalidateRangeStart: (range) => {
        range.refuse('odp');
      },
    });
    notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000);
    expect(() => {
      notifiers.invalidateRangeEnd(refused[0]);
    }).toThrow(/the kernel ended UNMAP .*, which was refused and has no end/);
  });
});

describe('a non-blockable invalidation', () => {
  it('is refused as a whole if one subscriber refuses, and has no end', () => {
    const { hub, notifiers } = setUp();
    const log: string[] = [];
    hub.refused$.subscribe(() => log.push('refused'));
    hub.end$.subscribe(() => log.push('end'));
    notifiers.register({
      name: 'odp',
      invalidateRangeStart: (range) => {
        range.refuse('odp');
      },
    });
    expect(notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000)).toBeNull();
    expect(log).toEqual(['refused']);
  });

  it('stops at the first interval notifier that refuses, and does not reach the classic ones', () => {
    const { notifiers } = setUp();
    const calls: string[] = [];
    for (const name of ['first', 'second']) {
      notifiers.insertInterval(0x1000, 0x1000, {
        name,
        invalidate: (range) => {
          calls.push(name);
          range.refuse(name);
        },
      });
    }
    notifiers.register({ name: 'classic', invalidateRangeStart: () => calls.push('classic') });
    notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000);
    expect(calls).toEqual(['first']);
  });

  it('reaches all classic notifiers, and ends at once for them if one refused', () => {
    const { notifiers } = setUp();
    const calls: string[] = [];
    notifiers.register({
      name: 'counting',
      invalidateRangeStart: () => calls.push('counting start'),
      invalidateRangeEnd: () => calls.push('counting end'),
    });
    notifiers.register({
      name: 'refusing',
      invalidateRangeStart: (range) => {
        calls.push('refusing');
        range.refuse('refusing');
      },
    });
    notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000);
    expect(calls).toEqual(['refusing', 'counting start', 'counting end']);
  });

  it('may not be refused by a classic notifier that implements the end: it would hear of an end that is not its own', () => {
    const { notifiers } = setUp();
    notifiers.register({
      name: 'both',
      invalidateRangeStart: (range) => {
        range.refuse('both');
      },
      invalidateRangeEnd: () => undefined,
    });
    expect(() => notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000)).toThrow(
      '"both" refused UNMAP [0x1000, 0x2000) of mm 1, non-blockable and implements invalidateRangeEnd',
    );
  });

  it('does not take holds', () => {
    const { notifiers } = setUp();
    notifiers.register({ name: 'sleepy', invalidateRangeStart: (range) => void range.hold('sleepy') });
    expect(() => notifiers.invalidateRangeStartNonblock('UNMAP', 0x1000, 0x2000)).toThrow(
      /"sleepy" took a hold on UNMAP \[0x1000, 0x2000\) of mm 1, non-blockable: refuse\(\) it or quiesce without sleeping/,
    );
  });
});

describe('the sequence protocol of interval notifiers', () => {
  /** A subscription whose driver sets the sequence and nothing else. */
  function subscribe(notifiers: MmuNotifiers, start = 0x1000, length = 0x1000): IntervalNotifier {
    const subscription: IntervalNotifier = notifiers.insertInterval(start, length, {
      name: 'mirror',
      invalidate: (_range, seq) => {
        subscription.setSeq(seq);
      },
    });
    return subscription;
  }

  it('lets a read that no invalidation touches succeed at once', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const seq = simulation.runTask('fault', subscription.readBegin());
    expect(subscription.readRetry(seq)).toBe(false);
  });

  it('makes a read start over if an invalidation began after it', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const seq = simulation.runTask('fault', subscription.readBegin());
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    expect(subscription.readRetry(seq)).toBe(true);
    notifiers.invalidateRangeEnd(range);
    expect(subscription.readRetry(seq)).toBe(true);
  });

  it('makes a read wait while an invalidation of it is under way', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    simulation.after(70, 'the kernel is done', () => {
      notifiers.invalidateRangeEnd(range);
    });
    const seq = simulation.runTask('fault', subscription.readBegin());
    expect(simulation.now).toBe(70);
    expect(subscription.readRetry(seq)).toBe(false);
  });

  it('does not make a read wait for invalidations elsewhere', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    notifiers.invalidateRangeStart('CLEAR', 0x9000, 0xa000);
    simulation.runTask('fault', subscription.readBegin());
    expect(simulation.now).toBe(0);
  });

  it('is one for the whole mm: once hit, a subscription waits for the last end of all', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const mine = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    const other = notifiers.invalidateRangeStart('CLEAR', 0x9000, 0xa000);
    simulation.after(10, 'mine ends', () => {
      notifiers.invalidateRangeEnd(mine);
    });
    simulation.after(90, 'the other ends', () => {
      notifiers.invalidateRangeEnd(other);
    });
    simulation.runTask('fault', subscription.readBegin());
    expect(simulation.now).toBe(90);
  });

  it('defers an insertion during an invalidation that hit somebody; the new one sees only later ones', () => {
    const { simulation, notifiers } = setUp();
    subscribe(notifiers);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    const calls: string[] = [];
    const late: IntervalNotifier = notifiers.insertInterval(0x1000, 0x1000, {
      name: 'late',
      invalidate: (_range, seq) => {
        calls.push('late');
        late.setSeq(seq);
      },
    });
    const nested = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    expect(calls).toEqual([]);
    // It cannot have seen what is under way, so a read must wait for the end of all of it.
    simulation.after(40, 'ends', () => {
      notifiers.invalidateRangeEnd(nested);
      notifiers.invalidateRangeEnd(range);
    });
    simulation.runTask('fault', late.readBegin());
    expect(simulation.now).toBe(40);
    notifiers.invalidateRangeEnd(notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000));
    expect(calls).toEqual(['late']);
  });

  it('inserts at once during an invalidation that hit nobody, but makes the first read wait', () => {
    const { simulation, notifiers } = setUp();
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    const subscription = subscribe(notifiers);
    simulation.after(30, 'ends', () => {
      notifiers.invalidateRangeEnd(range);
    });
    simulation.runTask('fault', subscription.readBegin());
    expect(simulation.now).toBe(30);
  });

  it('defers a removal until the invalidations under way have ended', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    simulation.after(25, 'ends', () => {
      notifiers.invalidateRangeEnd(range);
    });
    simulation.runTask('dereg', notifiers.removeInterval(subscription));
    expect(simulation.now).toBe(25);
    notifiers.invalidateRangeEnd(notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000));
  });

  it('tells a driver that removes twice, and not the kernel whose invalidation the removal waits for', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    simulation.spawn('dereg', notifiers.removeInterval(subscription));
    simulation.spawn('dereg again', notifiers.removeInterval(subscription));
    simulation.after(25, 'ends', () => {
      notifiers.invalidateRangeEnd(range);
    });
    expect(() => {
      simulation.run();
    }).toThrow(/task "dereg again" failed .*"mirror" removed an interval notifier that is not subscribed/);
  });

  it('has a hint that may be asked without the lock: true is reliable', () => {
    const { simulation, notifiers } = setUp();
    const subscription = subscribe(notifiers);
    const seq = simulation.runTask('fault', subscription.readBegin());
    expect(subscription.checkRetry(seq)).toBe(false);
    notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    expect(subscription.checkRetry(seq)).toBe(true);
  });

  it('drops an insertion that is removed before it happened', () => {
    const { simulation, notifiers } = setUp();
    subscribe(notifiers);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    const brief = subscribe(notifiers);
    simulation.runTask('dereg', notifiers.removeInterval(brief));
    notifiers.invalidateRangeEnd(range);
    expect(simulation.now).toBe(0);
    expect(brief.node).toBeNull();
  });

  it('refuses an interval of no length or beyond the address space', () => {
    const { notifiers } = setUp();
    for (const [start, length] of [
      [0x1000, 0],
      [ULONG_MAX, 2],
    ]) {
      let error: unknown;
      try {
        notifiers.insertInterval(start, length, { name: 'odd', invalidate: () => undefined });
      } catch (thrown) {
        error = thrown;
      }
      expect(isErrno(error, 'EOVERFLOW')).toBe(true);
    }
  });
});

describe('the start of a subscription', () => {
  /** A classic driver as KVM: it counts the invalidations under way. */
  function counting(): { name: string; active: number; invalidateRangeStart(): void; invalidateRangeEnd(): void } {
    return {
      name: 'kvm',
      active: 0,
      invalidateRangeStart(): void {
        this.active++;
      },
      invalidateRangeEnd(): void {
        if (--this.active < 0) throw new Error('an end without a start');
      },
    };
  }

  it('sees every invalidation that starts afterwards and of one that started before not even the end', () => {
    const { notifiers } = setUp();
    const before = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    const kvm = counting();
    notifiers.register(kvm);
    const after = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    expect(kvm.active).toBe(1);
    notifiers.invalidateRangeEnd(before);
    expect(kvm.active).toBe(1);
    notifiers.invalidateRangeEnd(after);
    expect(kvm.active).toBe(0);
  });

  it('is complete when every invalidation that it has not seen has ended, however often the list has changed', () => {
    const { simulation, notifiers } = setUp();
    const first = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    notifiers.register({ name: 'other' });
    const second = notifiers.invalidateRangeStart('CLEAR', 0x3000, 0x4000);
    simulation.after(20, 'the second ends', () => {
      notifiers.invalidateRangeEnd(second);
    });
    simulation.after(50, 'the first ends', () => {
      notifiers.invalidateRangeEnd(first);
    });
    function* subscribe(): Task<number> {
      const complete = notifiers.register(counting());
      // What starts from here on reaches it, and does not hold it up.
      notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
      yield complete;
      return simulation.now;
    }
    expect(simulation.runTask('open', subscribe())).toBe(50);
  });

  it('is complete at once if nothing is under way', () => {
    const { simulation, notifiers } = setUp();
    notifiers.invalidateRangeEnd(notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000));
    function* subscribe(): Task {
      yield notifiers.register(counting());
    }
    simulation.runTask('open', subscribe());
    expect(simulation.now).toBe(0);
  });

  it('that begins anew does not get the ends of its former life', () => {
    const { simulation, notifiers } = setUp();
    const kvm = counting();
    notifiers.register(kvm);
    const range = notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
    simulation.runTask('close', notifiers.unregister(kvm));
    kvm.active = 0;
    notifiers.register(kvm);
    notifiers.invalidateRangeEnd(range);
    expect(kvm.active).toBe(0);
  });
});

describe('the end of a subscription', () => {
  /** A driver whose release() takes `ns`, and notes its steps. */
  function slowToRelease(simulation: Simulation, log: string[], ns: number): { name: string } & MmuNotifier {
    return {
      name: 'kvm',
      release: (range) => {
        log.push(`release of kvm@${String(simulation.now)}`);
        range.hold(
          'kvm',
          (function* (): Task {
            yield ns;
            log.push(`kvm has let go@${String(simulation.now)}`);
          })(),
        );
      },
      invalidateRangeStart: () => log.push('start'),
    };
  }

  it.each(['unregister', 'exit'] as const)('waits for a release that %s began, which runs once', (first) => {
    const { simulation, notifiers } = setUp();
    const log: string[] = [];
    const notifier = slowToRelease(simulation, log, 100);
    notifiers.register(notifier);
    function* exit(delay: number): Task {
      yield delay;
      yield* notifiers.release();
      log.push(`exit goes on to free pages@${String(simulation.now)}`);
    }
    function* unregister(delay: number): Task {
      yield delay;
      yield* notifiers.unregister(notifier);
      log.push(`unregistered@${String(simulation.now)}`);
    }
    simulation.spawn('exit', exit(first === 'exit' ? 0 : 10));
    simulation.spawn('close', unregister(first === 'exit' ? 10 : 0));
    simulation.run();
    expect(log.slice(0, 2)).toEqual(['release of kvm@0', 'kvm has let go@100']);
    expect(log.slice(2).sort()).toEqual(['exit goes on to free pages@100', 'unregistered@100']);
  });

  it('hears of what starts until it has let go, and of nothing after', () => {
    const { simulation, notifiers } = setUp();
    const log: string[] = [];
    const notifier = slowToRelease(simulation, log, 100);
    notifiers.register(notifier);
    simulation.spawn('close', notifiers.unregister(notifier));
    simulation.spawn(
      'munmap',
      (function* (): Task {
        yield 50;
        yield* invalidate(notifiers, 0x1000, 0x2000);
        yield 100;
        yield* invalidate(notifiers, 0x1000, 0x2000);
      })(),
    );
    simulation.run();
    expect(log).toEqual(['release of kvm@0', 'start', 'kvm has let go@100']);
  });

  it('unregister calls release, waits for callbacks under way, and is final', () => {
    const { simulation, notifiers } = setUp();
    const log: string[] = [];
    const notifier = {
      name: 'kvm',
      invalidateRangeStart: (range: InvalidateRange) => {
        log.push('start');
        range.hold(
          'kvm',
          (function* (): Task {
            yield 60;
          })(),
        );
      },
      release: () => log.push('release'),
    };
    notifiers.register(notifier);
    simulation.spawn('munmap', invalidate(notifiers, 0x1000, 0x2000));
    simulation.spawn(
      'close',
      (function* (): Task {
        yield 10;
        yield* notifiers.unregister(notifier);
        log.push(`unregistered@${String(simulation.now)}`);
        yield* invalidate(notifiers, 0x1000, 0x2000);
      })(),
    );
    simulation.run();
    expect(log).toEqual(['start', 'release', 'unregistered@60']);
  });

  it('release at exit reaches interval notifiers as RELEASE, then classic ones, and waits for their holds', () => {
    const { simulation, hub, notifiers } = setUp();
    const log: string[] = [];
    hub.release$.subscribe((mm) => log.push(`stream: ${mm.name}`));
    const subscription: IntervalNotifier = notifiers.insertInterval(0x1000, 0x1000, {
      name: 'odp',
      invalidate: (range, seq) => {
        log.push(`odp ${range.event}`);
        subscription.setSeq(seq);
        range.hold(
          'odp',
          (function* (): Task {
            yield 80;
          })(),
        );
      },
    });
    notifiers.register({ name: 'kvm', release: (range) => log.push(`kvm ${range.event}`) });
    simulation.runTask('exit', notifiers.release());
    expect(log).toEqual(['stream: mm 1', 'odp RELEASE', 'kvm RELEASE']);
    expect(simulation.now).toBe(80);
  });

  it('nobody can subscribe to an mm that is going away', () => {
    const { simulation, notifiers } = setUp();
    simulation.runTask('exit', notifiers.release());
    expect(() => {
      notifiers.register({ name: 'late' });
    }).toThrow(/"late" subscribes to mm 1, which is going away/);
  });
});

it('a notifier that follows the CPU TLB may not also take invalidations', () => {
  const { notifiers } = setUp();
  expect(() => {
    notifiers.register({
      name: 'sva',
      archInvalidateSecondaryTlbs: () => undefined,
      invalidateRangeStart: () => undefined,
    });
  }).toThrow(/EINVAL: "sva"/);
});

describe('young queries', () => {
  it('ask every classic notifier, except that test_young stops at the first yes', () => {
    const { hub, notifiers } = setUp();
    const calls: string[] = [];
    for (const name of ['b', 'a']) {
      notifiers.register({
        name,
        clearFlushYoung: () => calls.push(`clear ${name}`) > 0,
        testYoung: () => calls.push(`test ${name}`) > 0,
      });
    }
    const seen: string[] = [];
    hub.young$.subscribe(({ kind }) => seen.push(kind));
    expect(notifiers.young('clear_flush_young', 0x1000, 0x2000)).toBe(true);
    expect(notifiers.young('test_young', 0x1000, 0x2000)).toBe(true);
    expect(notifiers.young('clear_young', 0x1000, 0x2000)).toBe(false);
    expect(calls).toEqual(['clear a', 'clear b', 'test a']);
    expect(seen).toEqual(['clear_flush_young', 'test_young', 'clear_young']);
  });
});

describe('a driver that does not keep to the protocol is named, with the range', () => {
  it('R4: it did not call setSeq by the end of the invalidation', () => {
    const { simulation, notifiers } = setUp();
    notifiers.insertInterval(0x1000, 0x1000, {
      name: 'nic0',
      invalidate: (range) => range.hold('nic0').release(),
    });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      /driver "nic0" threw in invalidate\(CLEAR \[0x1000, 0x2000\) of mm 1\): rule R4: it never called setSeq\(3\)/,
    );
  });

  it('R4 asks nothing of a driver that refused', () => {
    const { notifiers } = setUp();
    notifiers.insertInterval(0x1000, 0x1000, { name: 'nic0', invalidate: (range) => range.refuse('nic0') });
    expect(notifiers.invalidateRangeStartNonblock('CLEAR', 0x1000, 0x2000)).toBeNull();
  });

  it('R4 asks nothing of a driver that refused while it holds another range', () => {
    const { simulation, notifiers } = setUp();
    const nic = notifiers.insertInterval(0x1000, 0x2000, {
      name: 'nic0',
      invalidate: (range, seq) => {
        if (range.blockable) range.hold('nic0', quiesce(seq));
        else range.refuse('nic0');
      },
    });
    function* quiesce(seq: number): Task {
      nic.setSeq(seq);
      yield 100;
    }
    function* reapMeanwhile(): Task {
      const munmap = simulation.spawn('munmap', invalidate(notifiers, 0x1000, 0x2000));
      yield 50;
      expect(notifiers.invalidateRangeStartNonblock('CLEAR', 0x2000, 0x3000)).toBeNull();
      yield munmap;
    }
    expect(() => {
      simulation.runTask('test', reapMeanwhile());
    }).not.toThrow();
  });

  it.each([
    ['an async function', (): unknown => Promise.resolve()],
    [
      'a generator',
      function* (): unknown {
        yield 1;
      },
    ],
  ])('its callback is %s', (_what, callback) => {
    const { simulation, notifiers } = setUp();
    notifiers.insertInterval(0x1000, 0x1000, { name: 'nic0', invalidate: callback });
    expect(() => simulation.runTask('munmap', invalidate(notifiers, 0x1000, 0x2000))).toThrow(
      /driver "nic0" threw in invalidate\(.*\): it is async or a generator/,
    );
  });
});
