import {
  PG_DIRTY,
  PG_PRIVATE,
  PG_UPTODATE,
  addToPageCache,
  removeFromPageCache,
  removeIfUnused,
} from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

describe('the page cache', () => {
  it('takes a reference per page, and the folio knows its file and its place in it', () => {
    const m = new Machine();
    const { mapping } = m.file(32, 'hole');
    const folio = m.memory.allocate(4);
    addToPageCache(m.kernel.mm, mapping, folio, 16);
    m.memory.put(folio);
    expect(m.memory.frames.refcount[folio]).toBe(16);
    expect([mapping.pages.get(16), mapping.pages.get(31), mapping.pages.get(15)]).toEqual([folio, folio + 15, 0]);
    expect(m.kernel.mm.mappingOf(folio)).toBe(mapping);
    expect(m.memory.frames.index[folio]).toBe(16);
  });

  it('has one folio per page, aligned to its size', () => {
    const m = new Machine();
    const { mapping } = m.file(32, 'hole');
    const large = m.memory.allocate(4);
    expect(() => {
      addToPageCache(m.kernel.mm, mapping, large, 8);
    }).toThrow('folio 16 of 16 pages cannot be page 8 of file: it is not aligned to its size, or another one is there');
    addToPageCache(m.kernel.mm, mapping, m.memory.allocate(0), 5);
    expect(() => {
      addToPageCache(m.kernel.mm, mapping, large, 0);
    }).toThrow(/another one is there/);
  });

  it('forgets a folio with all that the file knew of it', () => {
    const m = new Machine();
    const { mapping } = m.file(1, 'hole');
    const { frames } = m.memory;
    const folio = m.memory.allocate(0);
    addToPageCache(m.kernel.mm, mapping, folio, 0);
    frames.set(folio, PG_UPTODATE | PG_PRIVATE);
    m.kernel.mm.markDirty(folio);
    removeFromPageCache(m.kernel.mm, mapping, folio);
    expect([frames.has(folio, PG_DIRTY), frames.has(folio, PG_PRIVATE), frames.refcount[folio]]).toEqual([
      false,
      false,
      1,
    ]);
    expect(m.kernel.mm.mappingOf(folio)).toBeNull();
    expect(mapping.pages.anyMarked('dirty')).toBe(false);
  });

  it('does not forget a folio that somebody maps', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    expect(() => {
      removeFromPageCache(m.kernel.mm, file.mapping, file.mapping.pages.get(0));
    }).toThrow('page 0 of file was dropped from the cache while mapped');
  });

  it('lets a clean folio go if only the cache and the caller refer to it', () => {
    const m = new Machine();
    const { mapping } = m.file(4, 'hole');
    const { frames } = m.memory;
    const [clean, dirty, pinned] = [0, 1, 2].map((index) => {
      const folio = m.memory.allocate(0);
      addToPageCache(m.kernel.mm, mapping, folio, index);
      return folio;
    });
    m.kernel.mm.markDirty(dirty);
    frames.pin(pinned);
    expect([clean, dirty, pinned].map((folio) => removeIfUnused(m.kernel.mm, mapping, folio))).toEqual([
      true,
      false,
      false,
    ]);
    expect([0, 1, 2].map((index) => mapping.pages.get(index) !== 0)).toEqual([false, true, true]);
  });

  it('is no place for a free folio, and such a one cannot become dirty', () => {
    const m = new Machine();
    expect(() => {
      addToPageCache(m.kernel.mm, m.file(1).mapping, 7, 0);
    }).toThrow(/a reference was taken to a free folio/);
    expect(() => {
      m.kernel.mm.markDirty(7);
    }).toThrow('folio 7 was marked dirty, but is free');
  });
});
