import { LargeFolio } from '../../src/mm/large-folio.js';

describe('whether several mms map a large folio', () => {
  it('is not the case while all entries are one mm’s', () => {
    const folio = new LargeFolio();
    folio.map(1, 16);
    expect([folio.mapcount, folio.maybeMappedShared]).toEqual([16, false]);
  });

  it('is the case once a second one maps it, until it no longer does', () => {
    const folio = new LargeFolio();
    folio.map(1, 16);
    folio.map(2, 3);
    expect(folio.maybeMappedShared).toBe(true);
    folio.unmap(2, 3);
    expect(folio.maybeMappedShared).toBe(false);
  });

  it('is known of two mms only: a third one counts as some other', () => {
    const folio = new LargeFolio();
    folio.map(1, 2);
    folio.map(2, 2);
    folio.map(3, 2);
    folio.unmap(1, 2);
    folio.unmap(2, 2);
    // Mm 3 has all entries, but has no slot to say so.
    expect([folio.mapcount, folio.maybeMappedShared]).toEqual([2, true]);
  });

  it('does not count below nothing', () => {
    expect(() => {
      new LargeFolio().unmap(1, 1);
    }).toThrow('unmapped more often than mapped');
  });
});
