import type { Task } from '../../src/engine/index.js';
import { PAGE_SIZE } from '../../src/base/index.js';
import { PG_DIRTY, pteFrame } from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

describe('what the address spaces of a machine share', () => {
  it('are the owners of folios: files and families of anonymous pages', () => {
    const m = new Machine();
    const file = m.file(1);
    const vma = m.mapAnon(1);
    m.store(0);
    m.pread(file, 0, 1);
    const { mm } = m.kernel;
    const [cached, anonymous] = [file.mapping.pages.get(0), pteFrame(m.pte(0))];
    expect([mm.mappingOf(cached), mm.anonVmaOf(cached)]).toEqual([file.mapping, null]);
    expect([mm.mappingOf(anonymous), mm.anonVmaOf(anonymous)]).toEqual([null, vma.anonVma]);
    const nobodys = m.memory.allocate(0);
    expect([mm.mappingOf(nobodys), mm.anonVmaOf(nobodys)]).toEqual([null, null]);
  });

  it('is memory: an allocation that fails asks for reclaim until there is room, or nothing to be had', () => {
    const m = new Machine({ memory: 4 * PAGE_SIZE });
    const held = [0, 0, 0].map((order) => m.memory.allocate(order));
    const asked: number[] = [];
    m.kernel.mm.reclaimer = function* (frames): Task<number> {
      asked.push(frames);
      const folio = held.pop();
      if (folio === undefined) return 0;
      m.memory.put(folio);
      return 1;
    };
    expect(m.run(m.kernel.mm.allocate(1))).toBe(2);
    expect(m.run(m.kernel.mm.allocate(1))).toBe(-1);
    expect(asked).toEqual([2, 2, 2, 2]);
  });

  it('is the way in which a folio becomes dirty: through its file, if it has one', () => {
    const m = new Machine();
    const file = m.file(1);
    m.pread(file, 0, 1);
    m.kernel.mm.markDirty(file.mapping.pages.get(0));
    expect(file.mapping.pages.hasMark(0, 'dirty')).toBe(true);
    const orphan = m.memory.allocate(0);
    m.kernel.mm.markDirty(orphan);
    expect(m.memory.frames.has(orphan, PG_DIRTY)).toBe(true);
  });

  it('gives each mm a number and a name', () => {
    const { mm } = new Machine().kernel;
    const [one, two] = [mm.newMm(), mm.newMm('mm of init')];
    expect([two.id - one.id, one.name, two.name]).toEqual([1, `mm ${one.id}`, 'mm of init']);
  });
});
