import { SharedPolicy } from '../../src/mm/index.js';

describe('the policy of an object in memory', () => {
  it('says of each page from which node it comes, the local one if nothing was said', () => {
    const policy = new SharedPolicy();
    policy.set(2, 4, 1);
    expect([1, 2, 3, 4].map((page) => policy.nodeOf(page))).toEqual([0, 1, 1, 0]);
    expect(policy.lookup(1)).toBe(null);
  });

  it('is replaced page by page, by another one or by none', () => {
    const policy = new SharedPolicy();
    policy.set(0, 10, 1);
    policy.set(3, 6, 0);
    policy.set(5, 8, null);
    expect(Array.from({ length: 11 }, (_, page) => policy.lookup(page))).toEqual([
      1,
      1,
      1,
      0,
      0,
      null,
      null,
      null,
      1,
      1,
      null,
    ]);
  });
});
