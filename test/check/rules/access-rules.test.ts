import type { Task } from '../../../src/engine/index.js';
import { forkMm } from '../../../src/mm/index.js';
import { SWP_MIGRATION, makePte, makeSwapEntry, pteFrame } from '../../../src/mm/pte.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { address } from '../../support/machine.js';

/** Announces a CLEAR of the first page, does something, and ends it. */
function clearing(m: WatchedDevice, meanwhile: () => void): void {
  const range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
  meanwhile();
  m.mm.notifiers.invalidateRangeEnd(range);
}

describe('R2: between the return of a start and the end', () => {
  it('other pages may be used', () => {
    const m = new WatchedDevice();
    m.device.map(1);
    expect(m.breaks(() => clearing(m, () => m.device.write(1)))).toBeNull();
  });

  it('no page of the range may be', () => {
    const m = new WatchedDevice();
    expect(m.verdict(() => clearing(m, () => m.device.read(0)))).toMatchObject({
      rule: 'R2',
      before: { what: expect.stringMatching(/^the start of CLEAR .* returned$/) as string },
      after: { what: expect.stringMatching(/^a read of 0x\w+ was issued$/) as string },
    });
  });

  it('it may again afterwards', () => {
    const m = new WatchedDevice();
    expect(
      m.breaks(
        () => clearing(m, () => undefined),
        () => m.device.write(0),
      ),
    ).toBeNull();
  });
});

describe('R10: the rights of the CPU', () => {
  it('allow a device to read where the CPU may only read', () => {
    const m = new WatchedDevice({ prot: 'r', populate: false });
    m.load(0);
    m.device.map(0);
    expect(m.breaks(() => m.device.read(0))).toBeNull();
  });

  it('do not allow it to write there', () => {
    const m = new WatchedDevice({ prot: 'r', populate: false });
    m.load(0);
    m.device.map(0);
    expect(m.breaks(() => m.device.write(0))).toBe('R10');
  });

  it('are looked at again when they have changed', () => {
    const m = new WatchedDevice();
    m.device.write(0);
    const fork = (): void => void m.run(forkMm(m.mm, 'child'));
    expect(m.breaks(fork)).toBeNull();
    expect(m.breaks(() => m.device.write(0))).toBe('R10');
  });
});

describe('a write behind a right one', () => {
  const RIGHT = 8;
  const READ_ONLY = 9;

  /** A device that has rightly written a page of a file, which is mapped a second time for reading. */
  function written(): { readonly m: WatchedDevice; readonly frame: number } {
    const m = new WatchedDevice();
    const inode = m.file(1);
    m.mapFile(inode, { at: RIGHT });
    m.mapFile(inode, { at: READ_ONLY, prot: 'r' });
    m.store(RIGHT);
    m.load(READ_ONLY);
    m.device.write(RIGHT);
    return { m, frame: m.device.frameOf(RIGHT) };
  }

  it('to the same page is right, too', () => {
    const { m } = written();
    expect(m.breaks(() => m.device.write(RIGHT))).toBeNull();
  });

  it('may be wrong where the page is mapped elsewhere', () => {
    const { m, frame } = written();
    expect(m.device.frameOf(READ_ONLY)).toBe(frame);
    expect(m.breaks(() => m.device.write(READ_ONLY))).toBe('R10');
  });

  it('may be wrong for another process', () => {
    const { m, frame } = written();
    const other = m.kernel.createProcess('other');
    expect(m.breaks(() => m.device.write(RIGHT, frame, 0, other.mm))).toBe('R11');
  });

  it('may go to another frame', () => {
    const { m } = written();
    expect(m.breaks(() => m.device.write(RIGHT, m.device.frameOf(0)))).toBe('R11');
  });
});

describe('R11: a translation ends with the mapping that it was made from', () => {
  it('and does not while that lasts', () => {
    const m = new WatchedDevice();
    expect(
      m.breaks(
        () => m.device.read(0),
        () => m.device.write(3),
      ),
    ).toBeNull();
  });

  it('so nothing is read where nothing is mapped any more', () => {
    const m = new WatchedDevice();
    const old = m.device.frameOf(0);
    m.munmap(0, 1);
    const violation = m.verdict(() => m.device.read(0, old));
    expect(violation).toMatchObject({ rule: 'R11', before: { what: expect.stringMatching(/^UNMAP /) as string } });
    expect(violation?.after.what).toMatch(/where nothing is mapped$/);
  });

  it('so nothing is written to the page that was there before', () => {
    const m = new WatchedDevice();
    const old = m.device.frameOf(0);
    m.run(m.kernel.madviseDontneed(m.process, address(0), 4096));
    m.store(1);
    m.store(0);
    const now = m.device.frameOf(0);
    expect(m.verdict(() => m.device.write(0, old + 100))?.after.what).toMatch(`where frame ${now} is mapped`);
  });
});

describe('R12: after the release of an mm', () => {
  it('a device that has let go is done with it', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.run(m.kernel.exit(m.process)))).toBeNull();
  });

  it('no translation is left', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    const violation = m.verdict(() => m.run(m.kernel.exit(m.process)));
    expect(violation).toMatchObject({ rule: 'R12', before: { what: 'the release of mm of app returned' } });
  });

  it('none is made', () => {
    const m = new WatchedDevice();
    m.run(m.kernel.exit(m.process));
    expect(m.breaks(() => m.device.map(0))).toBe('R12');
  });

  it('none is used', () => {
    const m = new WatchedDevice();
    m.run(m.kernel.exit(m.process));
    expect(m.breaks(() => m.device.read(0, 1))).toBe('R12');
  });
});

describe('R18: old data behind new', () => {
  /** Two pages are copied on write, the first before the second. Returns the frame of the first before that. */
  function copyTwo(m: WatchedDevice): number {
    m.run(forkMm(m.mm, 'child'));
    const old = m.device.frameOf(0);
    m.run(story(m));
    return old;
  }

  function* story(m: WatchedDevice): Task {
    yield* m.storing(0);
    yield* m.storing(1);
  }

  it('is not seen by a device that has the new pages', () => {
    const m = new WatchedDevice();
    copyTwo(m);
    expect(
      m.breaks(
        () => m.device.read(1),
        () => m.device.read(0),
      ),
    ).toBeNull();
  });

  it('is seen by one that has the second new and the first old', () => {
    const m = new WatchedDevice();
    const old = copyTwo(m);
    m.device.read(1);
    const violation = m.verdict(() => m.device.read(0, old));
    expect(violation?.rule).toBe('R18');
    expect(violation?.before?.what).toMatch(
      /^frame \d+ took the place of frame \d+ at 0x10000001000, and the device has/,
    );
  });

  /** Another page takes the place of one, at once, or after its entry was gone for a while as in a migration. */
  function replace(m: WatchedDevice, page: number, how: 'at once' | 'by migration' = 'at once'): void {
    const entry = m.pte(page);
    if (how === 'by migration') m.changeEntry(page, makeSwapEntry(SWP_MIGRATION, pteFrame(entry)));
    m.changeEntry(page, makePte(m.memory.allocate(0), entry & 0xf));
  }

  it.each(['at once', 'by migration'] as const)('is seen where a page was replaced %s', (how) => {
    const m = new WatchedDevice();
    const old = m.device.frameOf(0);
    replace(m, 0, how);
    replace(m, 1, how);
    m.device.read(1);
    expect(m.breaks(() => m.device.read(0, old))).toBe('R18');
  });

  it('is seen by who has read the newest of all at any time before', () => {
    const m = new WatchedDevice();
    const old = m.device.frameOf(1);
    for (const page of [0, 1, 2]) replace(m, page);
    m.device.read(2);
    m.device.read(0);
    expect(m.breaks(() => m.device.read(1, old))).toBe('R18');
  });

  it('is just old where what was seen is no newer', () => {
    const m = new WatchedDevice();
    const old = m.device.frameOf(1);
    for (const page of [0, 1]) replace(m, page);
    m.device.read(0);
    expect(m.breaks(() => m.device.read(1, old))).toBe('R11');
  });

  it('is just old where the page that was seen is the one that has always been there', () => {
    const m = new WatchedDevice();
    const [old, entry] = [m.device.frameOf(0), m.pte(1)];
    replace(m, 0);
    m.device.read(3);
    m.changeEntry(1, makeSwapEntry(SWP_MIGRATION, pteFrame(entry)));
    m.changeEntry(1, entry);
    m.device.read(1);
    expect(m.breaks(() => m.device.read(0, old))).toBe('R11');
  });

  it('is just old where nothing new was seen', () => {
    const m = new WatchedDevice();
    const old = copyTwo(m);
    expect(m.breaks(() => m.device.read(0, old))).toBe('R11');
  });
});

describe('R20: an access lands on the byte that its address names', () => {
  it('and on no other of its page', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => m.device.write(0))).toBeNull();
    expect(m.verdict(() => m.device.write(0, m.device.frameOf(0), 128))?.after.what).toMatch(
      /goes to byte 128 of its page$/,
    );
  });
});
