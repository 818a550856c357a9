import {
  PAGE_SIZE,
  PageContents,
  ReferencedContents,
  WriteSources,
  comparePages,
  hashPage,
} from '../../src/base/index.js';

/** Three pages: 0 and 1 have the same bytes from different writes, 2 has a byte that is larger. */
function fill(contents: PageContents): PageContents {
  for (const [page, byte] of [
    [0, 7],
    [1, 7],
    [2, 8],
  ]) {
    contents.write(page, 100, 1, page + 1, Uint8Array.of(byte));
  }
  return contents;
}

describe.each([
  ['that keep bytes', () => new PageContents(true)],
  ['that know where bytes are', () => new ReferencedContents(new WriteSources())],
])('contents %s', (_, make) => {
  it('are compared by bytes, whatever they come from', () => {
    const contents = fill(make());
    expect(comparePages(contents, 0, 1)).toBe(0);
    expect(comparePages(contents, 1, 2)).toBeLessThan(0);
    expect(comparePages(contents, 2, 0)).toBeGreaterThan(0);
    expect(hashPage(contents, 0)).toBe(hashPage(contents, 1));
    expect(hashPage(contents, 0)).not.toBe(hashPage(contents, 2));
  });

  it('that were never written are like zeros that were', () => {
    const contents = make();
    contents.write(0, 0, PAGE_SIZE, 1, new Uint8Array(PAGE_SIZE));
    expect(comparePages(contents, 0, 1)).toBe(0);
    expect(hashPage(contents, 0)).toBe(hashPage(contents, 1));
  });
});

describe('contents without bytes', () => {
  it('are compared by the writes that they come from', () => {
    const contents = fill(new PageContents(false));
    contents.copy(contents, 0, 3);
    expect(comparePages(contents, 0, 3)).toBe(0);
    expect(comparePages(contents, 0, 1)).toBeLessThan(0);
    expect(hashPage(contents, 0)).toBe(hashPage(contents, 3));
    expect(hashPage(contents, 0)).not.toBe(hashPage(contents, 1));
  });
});
