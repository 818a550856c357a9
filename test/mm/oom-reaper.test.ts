import { PAGE_SIZE } from '../../src/base/index.js';
import { MS } from '../../src/engine/index.js';
import type { MmuNotifier } from '../../notifiers/index.js';
import { oomReapTaskMm } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** A driver whose device has to be waited for in pages [first, end), as long as it has translations there. */
class SlowDriver implements MmuNotifier {
  readonly name = 'nic';
  busy = true;

  constructor(
    private readonly first: number,
    private readonly end: number,
  ) {}

  invalidateRangeStart(range: Parameters<NonNullable<MmuNotifier['invalidateRangeStart']>>[0]): void {
    if (!this.busy || !range.overlaps(address(this.first), address(this.end))) return;
    if (!range.blockable) range.refuse(this.name);
  }
}

/** Private memory, a shared file, and private memory that shows a file; all of it used. */
function setUp(): Machine {
  const m = new Machine();
  m.mapAnon(4);
  const file = m.file(4);
  m.mapFile(file, { at: 10 });
  m.mapFile(file, { at: 20, share: 'private' });
  for (const page of [0, 1, 10, 11, 20]) m.store(page, 5);
  expect(m.load(21)).toBe(5);
  m.log.take();
  return m;
}

describe('the OOM reaper', () => {
  it('takes private memory from the last mapping to the first, a CLEAR each, and leaves shared memory alone', () => {
    const m = setUp();
    const before = m.memory.freeFrames;
    expect(m.run(oomReapTaskMm(m.mm))).toBe(true);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[20,24)> <CLEAR[0,4)>');
    expect([0, 1, 10, 20].map((page) => m.pte(page) !== 0)).toEqual([false, false, true, false]);
    expect(m.memory.freeFrames).toBe(before + 3);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('gives whoever uses what is gone a SIGBUS, not zeros', () => {
    const m = setUp();
    m.run(oomReapTaskMm(m.mm));
    expect([m.store(0), m.load(1), m.load(21)]).toEqual(['SIGBUS', 'SIGBUS', 'SIGBUS']);
    expect(m.load(10)).toBe(5);
  });

  it('passes over a mapping of which a driver cannot let go at once, and tells it of no end', () => {
    const m = setUp();
    const ends: number[] = [];
    m.kernel.invalidationEnds$.subscribe(({ start }) => ends.push(start));
    m.mm.notifiers.register(new SlowDriver(20, 24));
    expect(m.run(oomReapTaskMm(m.mm))).toBe(false);
    expect(ends).toEqual([address(0)]);
    expect([m.load(20), m.pte(0)]).toEqual([5, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('comes again every 100 ms, and gets the rest once the device has let go', () => {
    const m = setUp();
    const driver = new SlowDriver(20, 24);
    m.mm.notifiers.register(driver);
    const began = m.simulation.now;
    m.simulation.after(250 * MS, 'the device lets go', () => {
      driver.busy = false;
    });
    expect(m.run(m.kernel.oomReap(m.process))).toBe(true);
    expect(m.simulation.now - began).toBe(300 * MS);
    expect(m.pte(20)).toBe(0);
  });

  it('gives up after ten attempts', () => {
    const m = setUp();
    m.mm.notifiers.register(new SlowDriver(20, 24));
    const began = m.simulation.now;
    expect(m.run(m.kernel.oomReap(m.process))).toBe(false);
    expect(m.simulation.now - began).toBe(900 * MS);
  });

  it('has nothing to do once the process has unmapped everything itself', () => {
    const m = setUp();
    m.mm.notifiers.register(new SlowDriver(20, 24));
    m.run(m.kernel.exit(m.process));
    m.log.take();
    expect(m.run(m.kernel.oomReap(m.process))).toBe(true);
    expect(m.log.take()).toBe('');
  });
});

describe('process_mrelease', () => {
  it('says EAGAIN where a driver refuses, as often as it is called, and exit takes the rest', () => {
    const m = setUp();
    m.mm.notifiers.register(new SlowDriver(0, 4));
    for (let i = 0; i < 2; i++) expect(m.errno(m.kernel.processMrelease(m.process))).toBe('EAGAIN');
    expect(m.log.takeOnly(/^<|refused/)).toBe(
      '<CLEAR[20,24) <CLEAR[0,4) invalidate_start_refused <CLEAR[20,24) <CLEAR[0,4) invalidate_start_refused',
    );
    m.run(m.kernel.exit(m.process));
    expect(m.mm.pageTable.leafCount).toBe(0);
    checkInvariants(m.kernel, []);
  });

  it('is a success for memory that nobody else follows', () => {
    const m = setUp();
    expect(m.errno(m.kernel.processMrelease(m.process))).toBeNull();
    expect(m.mm.vmas.at(address(0))?.end).toBe(address(0) + 4 * PAGE_SIZE);
  });
});
