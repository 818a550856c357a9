import { PG_DIRTY, PG_REFERENCED, unmapMappingRange, zapPageRange } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

describe('zap_page_range', () => {
  it('says CLEAR over the range it was given, populated or not', () => {
    const m = new Machine();
    const vma = m.mapAnon(8);
    m.store(5);
    m.log.take();
    m.run(zapPageRange(vma, address(4), address(8)));
    m.run(zapPageRange(vma, address(4), address(8)));
    expect(m.log.take()).toBe('<CLEAR[4,8)> t[5,6) <CLEAR[4,8)>');
    expect(m.load(5)).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('tells the folio what its entry knew: dirty, used', () => {
    const m = new Machine();
    const file = m.file(4);
    const vma = m.mapFile(file);
    m.store(0);
    m.load(2);
    const { frames } = m.memory;
    const [stored, loaded] = [0, 2].map((index) => file.mapping.pages.get(index));
    // As if only the entries knew.
    for (const folio of [stored, loaded]) frames.clear(folio, PG_REFERENCED | PG_DIRTY);
    m.run(zapPageRange(vma, address(0), address(4)));
    expect([stored, loaded].map((folio) => [frames.has(folio, PG_DIRTY), frames.has(folio, PG_REFERENCED)])).toEqual([
      [true, true],
      [false, true],
    ]);
  });

  it('flushes the TLB inside its start and end for each page table that had a dirty page of a file', () => {
    const m = new Machine();
    const vma = m.mapFile(m.file(2048));
    m.store(1100);
    m.load(1200);
    m.store(1700);
    m.log.take();
    m.run(zapPageRange(vma, address(0), address(2048)));
    expect(m.log.take()).toBe('<CLEAR[0,2048) t[1100,1216) t[1700,1701)>');
  });

  it('takes the zero page away, which nobody has to put', () => {
    const m = new Machine();
    const vma = m.mapAnon(2);
    m.load(0);
    m.log.take();
    m.run(zapPageRange(vma, address(0), address(2)));
    expect(m.log.take()).toBe('<CLEAR[0,2)> t[0,1)');
    expect(m.pte(0)).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('unmap_mapping_range', () => {
  it('says one CLEAR per mapping, clipped to it, of every process', () => {
    const m = new Machine();
    const file = m.file(16);
    const other = m.kernel.createProcess('other');
    m.mapFile(file);
    m.mapFileOf(other, file, { at: 100, pages: 8, offset: 4 });
    m.mapFile(file, { at: 200, pages: 2 });
    m.store(5);
    m.run(m.storing(101, 1, other));
    m.log.take();
    m.run(unmapMappingRange(file.mapping, 4, 8, true));
    expect(m.log.take()).toBe('<CLEAR[4,8) t[5,6)> <CLEAR[100,104) t[101,102)>');
    expect(m.memory.frames.folioMapcount(file.mapping.pages.get(5))).toBe(0);
    checkInvariants(m.kernel, [m.mm, other.mm]);
  });

  it('reaches past any end of the file', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file, { pages: 16 });
    m.run(unmapMappingRange(file.mapping, 8, 2 ** 31 - 1, true));
    expect(m.log.take()).toBe('<CLEAR[8,16)>');
  });

  it('takes private copies too if even_cows, and leaves them, but not the pages of the file, if not', () => {
    const m = new Machine();
    const file = m.file(8);
    m.mapFile(file, { share: 'private' });
    m.store(1, 7);
    m.load(2);
    m.log.take();
    m.run(unmapMappingRange(file.mapping, 0, 8, false));
    expect(m.log.take()).toBe('<CLEAR[0,8)> t[0,8)');
    expect(m.load(1)).toBe(7);
    m.run(unmapMappingRange(file.mapping, 0, 8, true));
    expect(m.load(1)).toBe(0);
  });
});
