import { PAGE_SIZE, pageOf } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import {
  VM_READ,
  forkMm,
  mprotect,
  mremap,
  pteFrame,
  ptePresent,
  pteWritable,
  type MmStruct,
} from '../../src/mm/index.js';
import { migratePages } from '../../src/mm/migrate.js';
import { Machine, address } from '../support/machine.js';
import { checkInvariants } from '../support/invariants.js';

/** A folio of 16 pages that two mappings show, full of page numbers, and a device that takes 1 ms to let go of each at a CLEAR. */
function setUp(): { m: Machine; folio: number } {
  const m = new Machine();
  m.kernel.mm.mthp64k = 'always';
  m.mapAnon(16);
  for (let page = 0; page < 16; page++) m.store(page, 100 + page);
  m.run(mprotect(m.mm, address(8), 8 * PAGE_SIZE, VM_READ));
  const folio = m.memory.frames.folioOf(pteFrame(m.pte(0)));
  expect(m.memory.frames.pages(folio)).toBe(16);
  m.log.take();
  m.kernel.invalidations$.subscribe((range) => {
    if (range.event !== 'CLEAR') return;
    range.hold(
      'nic',
      (function* (): Task {
        yield 1 * MS;
      })(),
    );
  });
  return { m, folio };
}

function* migrate(m: Machine, folio: number): Task {
  m.memory.frames.get(folio);
  yield* migratePages(m.kernel.mm, [folio], 0);
}

function byteAt(m: Machine, mm: MmStruct, page: number): number {
  const pte = mm.pageTable.get(pageOf(address(page)));
  expect(ptePresent(pte)).toBe(true);
  const target = new Uint8Array(1);
  m.memory.contents.read(pteFrame(pte), 0, target, 0, 1);
  return target[0];
}

/** Starts a task when the first mapping has lost its entries and the second one's device is still waited for. */
function halfway(m: Machine, task: Task<unknown>): void {
  m.simulation.spawn(
    'meanwhile',
    (function* (): Task {
      yield 1.5 * MS;
      yield* task;
    })(),
  );
}

describe('a folio that migrates', () => {
  it('is told CLEAR of by mapping, keeps its data and rights, and is elsewhere afterwards', () => {
    const { m, folio } = setUp();
    m.run(migrate(m, folio));
    expect(m.log.takeOnly(/^[<>]/)).toContain('<CLEAR[0,8)');
    expect(m.memory.frames.folioOf(pteFrame(m.pte(0)))).not.toBe(folio);
    expect([pteWritable(m.pte(0)), pteWritable(m.pte(8))]).toEqual([true, false]);
    expect([m.load(0), m.load(15)]).toEqual([100, 115]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('makes a fault wait until it is back', () => {
    const { m, folio } = setUp();
    m.simulation.spawn('migration', migrate(m, folio));
    halfway(m, m.storing(3, 7));
    m.simulation.run();
    expect(m.simulation.now).toBe(2 * MS);
    expect([m.load(3), m.load(4)]).toEqual([7, 104]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is the child’s too if the process forks meanwhile', () => {
    const { m, folio } = setUp();
    m.simulation.spawn('migration', migrate(m, folio));
    let child: MmStruct | null = null;
    halfway(
      m,
      (function* (): Task {
        child = yield* forkMm(m.mm, 'child');
      })(),
    );
    m.simulation.run();
    expect(child).not.toBeNull();
    expect([byteAt(m, child!, 0), byteAt(m, child!, 15)]).toEqual([100, 115]);
    expect([m.load(0), m.load(15)]).toEqual([100, 115]);
    checkInvariants(m.kernel, [m.mm, child!]);
  });

  it('comes back where it is moved to meanwhile', () => {
    const { m, folio } = setUp();
    m.simulation.spawn('migration', migrate(m, folio));
    halfway(m, mremap(m.mm, address(0), 8 * PAGE_SIZE, 8 * PAGE_SIZE, { to: address(512) }));
    m.simulation.run();
    expect([m.load(512), m.load(519), m.load(8)]).toEqual([100, 107, 108]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('does not bring back a right that is taken away meanwhile', () => {
    const { m, folio } = setUp();
    m.simulation.spawn('migration', migrate(m, folio));
    halfway(m, mprotect(m.mm, address(0), 8 * PAGE_SIZE, VM_READ));
    m.simulation.run();
    expect(pteWritable(m.pte(0))).toBe(false);
    expect(m.store(0)).toBe('SIGSEGV');
    checkInvariants(m.kernel, [m.mm]);
  });
});
