import { traceOf } from '../../src/testing/index.js';
import type { Task } from '../../src/engine/index.js';
import { forkMm } from '../../src/mm/index.js';
import { CONNECTX, observeNic } from '../../devices/nic/index.js';
import { BASE as PAGE_0, Machine } from '../support/machine.js';
import { BASE, RdmaPair } from '../support/rdma-pair.js';
import { announcing, dontneedUnderWrite, tracedPair, twoInvalidations, writeThenFsync } from './stories.js';

describe('a trace', () => {
  it('begins where it is made', () => {
    const machine = new Machine();
    machine.mapAnon(1);
    machine.store(0);
    const trace = traceOf(machine);
    expect(trace.events()).toEqual([]);
    machine.store(0);
    machine.munmap(0, 1);
    expect(trace.first('pte').words).toBe(`pte 0x10000000000: pfn 0x1 rw dirty young -> none (mm of app)`);
  });

  it.each([
    ['a NIC', CONNECTX],
    [
      'a NIC for which DMA takes no time',
      { ...CONNECTX, dma: { writeLatency: 0, readLatency: 0, bytesPerSecond: Infinity } },
    ],
  ])('leaves the run as it is without: %s', (_what, profile) => {
    const [traced, bare] = [true, false].map((is) => {
      const pair = new RdmaPair({ profile });
      if (is) traceOf(pair.world).watch(observeNic(pair.server));
      pair.run(dontneedUnderWrite(pair));
      return [pair.world.simulation.now, pair.server.stats, [...pair.peek(0, 64)]];
    });
    expect(traced).toEqual(bare);
  });

  it('is asked by what there is to choose by, also where there is nothing to choose from', () => {
    const trace = traceOf(new Machine());
    const misspelt = { evnt: 'CLEAR' } as object;
    for (const ask of [
      () => trace.ranges(misspelt),
      () => trace.events('pte', misspelt),
      () => trace.spans('hold', misspelt),
    ]) {
      expect(ask).toThrow('an event cannot be chosen by "evnt"; by page, mm, event');
    }
  });

  it('is not changed by who sorts what it gives', () => {
    const { trace } = writeThenFsync();
    const words = trace.words();
    trace.events().reverse().pop();
    expect(trace.words()).toBe(words);
  });

  it('gives the one event that is meant, the first and the last', () => {
    const { trace } = writeThenFsync();
    expect(trace.event('page_mkwrite').start).toBe(BASE);
    expect(trace.first('pte').seq).toBeLessThan(trace.last('pte').seq);
    expect(trace.events('pte')).toHaveLength(2);
    expect(trace.event('send_completion', { device: 'client' }).details).toMatch(/status IBV_WC_SUCCESS/);
  });

  it('names an address space even in events that were before its name was heard', () => {
    const { trace } = writeThenFsync();
    expect(trace.first('handle_mm_fault').mm?.name).toBe('mm of server');
  });

  it('has events of its own kinds that others have traced', () => {
    const machine = new Machine();
    const trace = traceOf(machine);
    machine.simulation.trace.emit({ kind: 'my_doorbell', db: 7, address: 4096 });
    expect(trace.event('my_doorbell').details).toBe('db 7, address 0x1000');
  });

  it('says what there is where something is not', () => {
    const { trace } = writeThenFsync();
    expect(() => trace.first('page_mkwirte')).toThrow('no event is called "page_mkwirte"; is "page_mkwrite" meant?');
    expect(() => trace.first('xyz')).toThrow(
      /^no event is called "xyz"; there are mmu_notifier_invalidate_range_start, /,
    );
    expect(() => trace.first('pmd')).toThrow(
      /^no pmd in this trace; it has 30 events: post_send × 1, device_fault × 1, /,
    );
    expect(() => trace.event('pte')).toThrow(
      /^2 times pte in this trace; first, last and since choose one:\n {2}266\.381 us {2}pte 0x1000000000: none -> /,
    );
    expect(() => trace.range({ event: 'UNMAP' })).toThrow('no invalidation of MMU_NOTIFY_UNMAP in this trace; it has');
    expect(() => trace.span('wrietback' as 'writeback')).toThrow(
      'no span is called "wrietback"; is "writeback" meant?',
    );
    expect(() => trace.first('pte', { pag: BASE } as object)).toThrow(
      'an event cannot be chosen by "pag"; by page, mm, event, start, end, device, driver, file it can',
    );
  });

  it('chooses events by all that they are about', () => {
    const { pair, trace } = writeThenFsync();
    const { mm } = pair.process;
    expect(trace.events('pte', { page: BASE, mm, start: BASE, end: BASE + 4096 })).toHaveLength(2);
    expect(trace.events('pte', { page: BASE + 4096 })).toEqual([]);
    expect(trace.events('hold', { driver: 'odp', event: 'PROTECTION_PAGE' })).toHaveLength(1);
    expect(trace.events('hold', { driver: 'other' })).toEqual([]);
    expect(trace.events('fsync', { file: 'data' })).toHaveLength(1);
  });
});

describe('a task', () => {
  it('waits until something happens, and goes on at that instant', () => {
    const { pair, trace } = tracedPair();
    const { simulation } = pair.world;
    function* waiting(): Task<boolean> {
      const event = yield* trace.next('device_write', { page: BASE });
      return event.time === simulation.now && event === trace.last('device_write');
    }
    const waiter = simulation.spawn('waiter', waiting());
    pair.run(
      (function* () {
        yield* pair.write(yield* pair.register(), 0, Uint8Array.of(1));
      })(),
    );
    expect(waiter.result).toBe(true);
  });

  it('that waits for what does not happen is named when the run stands still', () => {
    const { pair, trace } = tracedPair();
    expect(() => pair.run(trace.next('folio_start_writeback', { file: 'other' }))).toThrow(
      /task "test" waits for folio_start_writeback of file "other" to happen/,
    );
    expect(() => pair.run(trace.next('device_wriet'))).toThrow(
      'no event is called "device_wriet"; is "device_write" meant?',
    );
  });
});

describe('a page of a trace', () => {
  it('has what concerns it, its folio and its file, and no more', () => {
    const { pair, trace } = writeThenFsync();
    pair.run(pair.world.kernel.store(pair.process, BASE + 4096, 1));
    const names = new Set(
      trace
        .page(BASE + 100)
        .events()
        .map(({ name }) => name),
    );
    expect(names).toContain('folio_start_writeback');
    expect(names).toContain('fsync returns');
    expect(names).not.toContain('post_send');
    expect(trace.page(BASE + 4096).events('folio_start_writeback')).toEqual([]);
    expect(trace.page(BASE + 4096).events('fsync')).toHaveLength(1);
  });

  it('that nothing touched is an error that says what was touched', () => {
    const { trace } = writeThenFsync();
    expect(() => trace.page(0x7000).events()).toThrow(
      'nothing in this trace concerns page 0x7000; there are events of 0x1000000000',
    );
    expect(() => traceOf(new Machine()).page(0x7000).events()).toThrow('nothing has happened since traceOf was called');
  });

  it('must be said whose it is if two processes have it', () => {
    const machine = new Machine();
    const trace = traceOf(machine);
    machine.mapAnon(1);
    machine.store(0);
    const child = machine.run(forkMm(machine.mm, 'child'));
    machine.store(0);
    expect(() => trace.page(PAGE_0).events()).toThrow(
      'page 0x10000000000 is there in mm of app and child: say whose is meant, page(address, mm)',
    );
    expect(trace.page(PAGE_0, child).events('pte')).toHaveLength(1);
    expect(trace.page(PAGE_0, machine.mm).range({ event: 'PROTECTION_PAGE' }).refused).toBe(false);
  });
});

describe('a device of a trace', () => {
  it('has what it does, and its driver', () => {
    const { trace } = writeThenFsync();
    expect(
      new Set(
        trace
          .device('server')
          .events()
          .map(({ name }) => name),
      ),
    ).toEqual(
      new Set([
        'device_fault',
        'rnr_nak',
        'device_map',
        'device_fault ends',
        'device_write',
        'invalidate',
        'hold',
        'device_unmap',
        'hold released',
      ]),
    );
    expect(trace.device('server').span('device_fault').duration).toBe(256_168);
  });

  it('must be watched', () => {
    const { trace } = tracedPair();
    expect(() => trace.device('client')).toThrow('no device "client" is watched; only server');
    expect(() => traceOf(new Machine()).device('nic')).toThrow('none is: trace.watch(observeNic(nic))');
  });
});

describe('a stretch of a trace', () => {
  it('is from a moment on, up to a moment, both included', () => {
    const trace = announcing(twoInvalidations);
    const [first, second] = trace.ranges();
    expect(trace.since(second).ranges()).toHaveLength(1);
    expect(trace.until(first).events()).toEqual(trace.events().slice(0, 3));
    expect(trace.since(9000).until(9000).events()).toHaveLength(2);
    expect(trace.since(first.end).until(second.start).events()).toEqual([first.end, second.start]);
  });
});

describe('a span', () => {
  it('has a start, an end and a duration', () => {
    const { trace } = writeThenFsync();
    const fsync = trace.span('fsync');
    expect(fsync.duration).toBe(fsync.end.time - fsync.start.time);
    expect(trace.span('writeback').hasEnded).toBe(true);
    expect(trace.range().holds.map(({ start }) => start.driver)).toEqual(['odp']);
    expect(trace.page(BASE).spans('mm_fault')).toHaveLength(1);
    expect(trace.page(BASE).span('translation').end.name).toBe('device_unmap');
  });

  it('that has no end says so', () => {
    const { pair, trace } = tracedPair();
    pair.process.mm.notifiers.register({
      name: 'slow',
      invalidateRangeStart: (range) => {
        range.hold('slow');
      },
    });
    pair.process.mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
    expect(() => trace.range().end).toThrow(
      'invalidation MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) has no end in this trace',
    );
    expect(() => trace.range().returned).toThrow('has not returned: "slow" holds it');
  });
});

it('a trace is kept in a snapshot in its own words', () => {
  expect(announcing(twoInvalidations)).toMatchInlineSnapshot(`
    2.000 us   mmu_notifier_invalidate_range_start MMU_NOTIFY_CLEAR [0x1000, 0x2000) (mm of app)
    2.000 us   mmu_notifier_invalidate_range_start returns MMU_NOTIFY_CLEAR [0x1000, 0x2000) (mm of app)
    2.000 us   mmu_notifier_invalidate_range_end MMU_NOTIFY_CLEAR [0x1000, 0x2000) (mm of app)
    9.000 us   mmu_notifier_invalidate_range_start MMU_NOTIFY_UNMAP [0x2000, 0x3000) (mm of app)
    9.000 us   mmu_notifier_invalidate_range_start returns MMU_NOTIFY_UNMAP [0x2000, 0x3000) (mm of app)
    13.000 us  mmu_notifier_invalidate_range_end MMU_NOTIFY_UNMAP [0x2000, 0x3000) (mm of app)
  `);
});
