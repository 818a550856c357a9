import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import {
  HMM_PFN_ERROR,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  ZERO_FRAME,
  hmmFrame,
  hmmRangeFault,
  pteFrame,
  type HmmResult,
} from '../../src/mm/index.js';
import type { IntervalNotifier } from '../../notifiers/index.js';
import { Machine, address } from '../support/machine.js';

const SNAPSHOT = 0;
const READ = HMM_PFN_VALID;
const WRITE = HMM_PFN_VALID | HMM_PFN_WRITE;

/** A driver of 16 pages that does no more than the sequence protocol asks for. */
function subscribe(m: Machine): IntervalNotifier {
  const notifier = m.mm.notifiers.insertInterval(address(0), 16 * PAGE_SIZE, {
    name: 'mirror',
    invalidate: (_range, seq) => {
      notifier.setSeq(seq);
    },
  });
  return notifier;
}

interface Answer {
  readonly result: HmmResult;
  /** Per page: - nothing there, E error, r readable, w writable. */
  readonly rights: string;
  readonly frames: number[];
}

function* asking(m: Machine, notifier: IntervalNotifier, page: number, pages: number, request: number): Task<Answer> {
  const entries = new Int32Array(pages);
  const notifierSeq = yield* notifier.readBegin();
  yield m.mm.mmapLock.shared;
  const result = yield* hmmRangeFault({ mm: m.mm, notifier, notifierSeq, start: address(page), entries, request });
  m.mm.mmapLock.releaseShared();
  const rights = [...entries]
    .map((entry) => {
      if ((entry & HMM_PFN_ERROR) !== 0) return 'E';
      if ((entry & HMM_PFN_VALID) === 0) return '-';
      return (entry & HMM_PFN_WRITE) === 0 ? 'r' : 'w';
    })
    .join('');
  return { result, rights, frames: [...entries].map(hmmFrame) };
}

function ask(m: Machine, page: number, pages: number, request: number): Answer {
  return m.run(asking(m, subscribe(m), page, pages, request));
}

describe('hmm_range_fault as a snapshot', () => {
  it('says what the CPU has, and faults nothing in', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapFile(m.file(2), { at: 4 });
    m.load(1);
    m.store(2);
    m.load(4);
    m.log.take();
    const { result, rights, frames } = ask(m, 0, 8, SNAPSHOT);
    expect([result, rights]).toEqual([0, '-rw-rrEE']);
    expect([frames[1], frames[2]]).toEqual([ZERO_FRAME, pteFrame(m.pte(2))]);
    expect(m.log.take()).toBe('');
  });

  it('takes the right to write from the entry: a clean page of a shared file is read-only', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    expect(ask(m, 0, 1, SNAPSHOT).rights).toBe('w');
    m.fsync(file);
    expect(ask(m, 0, 1, SNAPSHOT).rights).toBe('r');
  });
});

describe('hmm_range_fault', () => {
  it('faults in what is missing, for reading or for writing', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    expect(ask(m, 0, 2, READ)).toMatchObject({ result: 0, rights: 'rr' });
    m.log.take();
    expect(ask(m, 1, 2, WRITE)).toMatchObject({ result: 0, rights: 'ww' });
    expect(m.log.take()).toBe('mk1 w1 mk2 w2');
  });

  it('gives the right to write for a read, if the entry has it', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.store(0);
    expect(ask(m, 0, 1, READ).rights).toBe('w');
  });

  it('does not take a wish to write for one to fault', () => {
    const m = new Machine();
    m.mapAnon(1);
    expect(ask(m, 0, 2, HMM_PFN_WRITE)).toMatchObject({ result: 0, rights: '-E' });
  });

  it('says EPERM for writing to a read-only mapping, though the page is there', () => {
    const m = new Machine();
    m.mapAnon(1, { prot: 'r' });
    m.load(0);
    expect(ask(m, 0, 1, READ)).toMatchObject({ result: 0, rights: 'r' });
    expect(ask(m, 0, 1, WRITE).result).toBe('EPERM');
  });

  it('says ENOMEM, not EFAULT, when memory has run out', () => {
    const small = new Machine({ memory: 8 * PAGE_SIZE });
    small.mapAnon(16);
    expect(ask(small, 0, 16, WRITE).result).toBe('ENOMEM');
  });

  it('says EFAULT for a hole and for a page behind the end of the file', () => {
    const m = new Machine();
    m.mapFile(m.file(1), { pages: 2 });
    expect(ask(m, 0, 2, READ).result).toBe('EFAULT');
    expect(ask(m, 2, 1, READ).result).toBe('EFAULT');
  });

  it('says EBUSY if the range was invalidated since the sequence was read', () => {
    const m = new Machine();
    m.mapFile(m.file(64));
    m.load(1);
    const notifier = subscribe(m);
    // Pages from 32 on have to be read.
    const answer = m.simulation.spawn('fault', asking(m, notifier, 30, 4, READ), { daemon: true });
    m.simulation.spawn('madvise', m.kernel.madviseDontneed(m.process, address(1), PAGE_SIZE));
    m.simulation.runUntilIdle();
    expect(answer.result.result).toBe('EBUSY');
  });

  it('goes on if another range was invalidated', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.mapAnon(1, { at: 100 });
    const notifier = subscribe(m);
    const answer = m.simulation.spawn('fault', asking(m, notifier, 0, 4, READ), { daemon: true });
    m.simulation.spawn('madvise', m.kernel.madviseDontneed(m.process, address(100), PAGE_SIZE));
    m.simulation.runUntilIdle();
    expect(answer.result).toMatchObject({ result: 0, rights: 'rrrr' });
  });

  // Recorded: a device's first write to a page it could read costs one -EBUSY and one retry.
  it('says EBUSY once for its own copy-on-write, and then has the new page', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.load(0);
    const notifier = subscribe(m);
    m.log.take();
    expect(m.run(asking(m, notifier, 0, 1, WRITE)).result).toBe('EBUSY');
    const { result, rights, frames } = m.run(asking(m, notifier, 0, 1, WRITE));
    expect([result, rights, frames[0]]).toEqual([0, 'w', pteFrame(m.pte(0))]);
    expect(m.log.takeOnly(/^[<tw]/)).toBe('<CLEAR[0,1) t[0,1) w0');
  });

  it('has to be called with mmap_lock held', () => {
    const m = new Machine();
    const notifier = subscribe(m);
    expect(() =>
      m.run(
        hmmRangeFault({
          mm: m.mm,
          notifier,
          notifierSeq: 0,
          start: address(0),
          entries: new Int32Array(1),
          request: READ,
        }),
      ),
    ).toThrow('hmm_range_fault without the mmap_lock of mm of app');
  });
});
