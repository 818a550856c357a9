import { PAGE_SIZE } from '../../../src/base/index.js';
import { PG_DIRTY } from '../../../src/mm/index.js';
import { busRead, busWrite, setPageDirty } from '../../../devices/contract/index.js';
import { Machine } from '../../support/machine.js';

const FRAME = 3;

describe('what a device does on the bus', () => {
  it('reads what it has written, at any byte of a frame', () => {
    const { mm } = new Machine();
    const target = new Uint8Array(4);
    busWrite(mm, FRAME, 4000, Uint8Array.of(7, 8));
    busRead(mm, FRAME, 3999, target);
    expect([...target]).toEqual([0, 7, 8, 0]);
  });

  it('is a write of its own each time, as one of the CPU is', () => {
    const { mm } = new Machine();
    const { contents } = mm.system.memory;
    busWrite(mm, FRAME, 0, Uint8Array.of(1));
    const first = contents.stampAt(FRAME, 0);
    busWrite(mm, FRAME, 0, Uint8Array.of(1));
    expect(contents.stampAt(FRAME, 0)).toBeGreaterThan(first);
  });

  it('ends where the frame does: the page behind it is in another one', () => {
    const { mm } = new Machine();
    const message =
      'an access of 2 bytes at byte 4095 of frame 3 leaves the frame: a device translates each page on its own';
    expect(() => busWrite(mm, FRAME, PAGE_SIZE - 1, new Uint8Array(2))).toThrow(message);
    expect(() => busRead(mm, FRAME, PAGE_SIZE - 1, new Uint8Array(2))).toThrow(message);
  });
});

describe('setPageDirty', () => {
  it('makes the folio dirty that has the frame', () => {
    const { mm } = new Machine();
    const { memory } = mm.system;
    const folio = memory.allocate(2);
    setPageDirty(mm, folio + 3);
    expect(memory.frames.has(folio, PG_DIRTY)).toBe(true);
  });

  it('is refused where there is none any more', () => {
    const { mm } = new Machine();
    expect(() => setPageDirty(mm, FRAME)).toThrow('folio 3 was marked dirty, but is free');
  });
});
