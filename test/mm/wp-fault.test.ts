import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import {
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PTE_DIRTY,
  PTE_WRITE,
  ZERO_FRAME,
  handleMmFault,
  pteFrame,
  pteWritable,
  type Vma,
} from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

describe('a write to the zero page', () => {
  it('puts a zeroed page in its place, and says CLEAR of that page', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.load(2);
    m.log.take();
    m.store(2, 5);
    expect(m.log.take()).toBe('<CLEAR[2,3) t[2,3)> w2');
    expect(pteFrame(m.pte(2))).not.toBe(ZERO_FRAME);
    expect([m.load(2), m.memory.frames.refcount[ZERO_FRAME]]).toEqual([5, 1]);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a write to a page of the file in a private mapping', () => {
  it('copies the data, says CLEAR of that page, and leaves the file its page', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, PAGE_SIZE, [4, 5]);
    m.mapFile(file, { share: 'private' });
    expect(m.load(1)).toBe(4);
    m.log.take();
    m.store(1, 9);
    expect(m.log.take()).toBe('<CLEAR[1,2) t[1,2)> w1');
    const target = new Uint8Array(2);
    m.run(m.kernel.load(m.process, address(1), target));
    expect([[...target], m.pread(file, PAGE_SIZE, 2)]).toEqual([
      [9, 5],
      [4, 5],
    ]);
    expect(m.memory.frames.has(m.memory.frames.folioOf(pteFrame(m.pte(1))), PG_ANON)).toBe(true);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('copies before the drivers are told, changes the entry when they have let go', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.load(0);
    const seen: string[] = [];
    m.kernel.invalidations$.subscribe((range) => {
      seen.push(`start: zero page ${pteFrame(m.pte(0)) === ZERO_FRAME}`);
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
          seen.push(`drained: zero page ${pteFrame(m.pte(0)) === ZERO_FRAME}`);
        })(),
      );
    });
    m.kernel.invalidationEnds$.subscribe(() => seen.push(`end: zero page ${pteFrame(m.pte(0)) === ZERO_FRAME}`));
    m.store(0);
    expect(seen).toEqual(['start: zero page true', 'drained: zero page true', 'end: zero page false']);
    expect(m.simulation.now).toBe(1 * MS);
  });

  it('that loses a race while it waits for a device drops its copy and looks again', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.load(0);
    const before = m.memory.freeFrames;
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.simulation.spawn('one', m.storing(0, 1));
    m.simulation.spawn('two', m.storing(0, 2));
    m.log.take();
    m.simulation.run();
    expect(m.log.takeOnly(/^[<t]/)).toBe('<CLEAR[0,1) <CLEAR[0,1) t[0,1)');
    expect(m.memory.freeFrames).toBe(before - 1);
    expect(m.load(0)).toBe(2);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a write to a page that is mapped read-only but nobody else has', () => {
  it('takes the page over, without an event', () => {
    const m = new Machine();
    const vma = m.mapAnon(1);
    m.store(0, 5);
    const frame = pteFrame(m.pte(0));
    writeProtect(m);
    m.log.take();
    expect(m.run(handleMmFault(vma, address(0), true))).toBe('done');
    expect(m.log.take()).toBe('w0');
    expect([pteFrame(m.pte(0)), pteWritable(m.pte(0)), m.load(0)]).toEqual([frame, true, 5]);
  });

  it('does so although it was shared once, when the last other user has gone', () => {
    const m = new Machine();
    const vma = m.mapAnon(1);
    m.store(0);
    const frame = pteFrame(m.pte(0));
    const { frames } = m.memory;
    writeProtect(m);
    frames.clear(frame, PG_ANON_EXCLUSIVE);
    frames.get(frame);
    m.run(handleMmFault(vma, address(0), true));
    expect(pteFrame(m.pte(0))).not.toBe(frame);

    const copy = pteFrame(m.pte(0));
    writeProtect(m);
    frames.clear(copy, PG_ANON_EXCLUSIVE);
    m.run(handleMmFault(vma, address(0), true));
    expect(pteFrame(m.pte(0))).toBe(copy);
    m.memory.put(frame);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a write to a shared page that is mapped read-only', () => {
  it('calls page_mkwrite and widens the entry in place, without an event', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.load(1);
    const frame = pteFrame(m.pte(1));
    m.log.take();
    m.store(1);
    expect(m.log.take()).toBe('mk1 w1');
    expect([pteFrame(m.pte(1)), pteWritable(m.pte(1))]).toEqual([frame, true]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('looks again if writeback or a truncation came first', () => {
    const m = new Machine({ costs: { minorFault: 0, pageMkwrite: 1 * MS, pteFlush: 0 } });
    const file = m.file(4);
    m.mapFile(file);
    m.load(1);
    const storing = m.simulation.spawn('store', m.storing(1));
    m.simulation.spawn('ftruncate', m.kernel.ftruncate(file, 0));
    m.simulation.run();
    expect(storing.result).toBe('SIGBUS');
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('the wish for a page of its own (FAULT_FLAG_UNSHARE)', () => {
  function unshare(m: Machine, vma: Vma, page: number): void {
    m.run(handleMmFault(vma, address(page), false, true));
  }

  it('replaces the zero page by a page that is still mapped read-only', () => {
    const m = new Machine();
    const vma = m.mapAnon(1);
    m.load(0);
    m.log.take();
    unshare(m, vma, 0);
    expect(m.log.take()).toBe('<CLEAR[0,1) t[0,1)> u0');
    const frame = pteFrame(m.pte(0));
    expect([frame === ZERO_FRAME, pteWritable(m.pte(0)), (m.pte(0) & PTE_DIRTY) !== 0]).toEqual([false, false, false]);
    m.store(0);
    expect(m.log.take()).toBe('w0');
    expect(pteFrame(m.pte(0))).toBe(frame);
  });

  it('leaves a page alone that the process has for itself already', () => {
    const m = new Machine();
    const vma = m.mapAnon(1);
    m.store(0);
    const frame = pteFrame(m.pte(0));
    writeProtect(m);
    m.log.take();
    unshare(m, vma, 0);
    expect([m.log.take(), pteFrame(m.pte(0)), pteWritable(m.pte(0))]).toEqual(['u0', frame, false]);
  });
});

/** Makes the entry of page 0 read-only, as fork does. */
function writeProtect(m: Machine): void {
  m.changeEntry(0, m.pte(0) & ~PTE_WRITE);
}
