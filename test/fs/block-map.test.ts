import fc from 'fast-check';
import { BlockMap, HOLE, type BlockRecord } from '../../src/fs/block-map.js';

const EXTENT = { first: 100, pages: 4, checksum: 7 };

function commit(map: BlockMap): number[] {
  map.beginCommit();
  return map.endCommit();
}

describe('where the pages of a file lie', () => {
  it('is the extent that the file began with, and holes behind it', () => {
    const map = new BlockMap(EXTENT);
    expect([0, 3, 4].map((page) => map.block(page))).toEqual([100, 103, HOLE]);
    expect(map.record(1)).toEqual({ block: 101, checksum: 7 });
    expect(map.record(4)).toBeUndefined();
  });

  it('changes at once for readers, and after a power loss only if it was committed', () => {
    const map = new BlockMap(EXTENT);
    map.set(1, { block: 500, checksum: 1 });
    expect([map.block(1), map.durableRecord(1)?.block]).toEqual([500, 101]);
    commit(map);
    expect([map.block(1), map.durableRecord(1)?.block]).toEqual([500, 500]);
    map.set(1, { block: 501, checksum: 1 });
    map.rollback();
    expect(map.block(1)).toBe(500);
  });

  it('is given back once: a part of a block may have gone before the rest does', () => {
    const map = new BlockMap(EXTENT);
    map.set(1, { block: 500, checksum: 7 });
    commit(map);
    map.set(1, { block: 500, checksum: 7, holes: [[1024, 4096]] });
    map.set(1, null);
    expect(commit(map)).toEqual([500]);
    map.set(2, { block: 600, checksum: 7 });
    map.beginCommit();
    map.set(2, { block: 600, checksum: 7, holes: [[0, 1024]] });
    map.set(2, null);
    expect(map.endCommit()).toEqual([102]);
    expect(commit(map)).toEqual([600]);
  });

  it('that changes while a commit is under way goes with the next one', () => {
    const map = new BlockMap(EXTENT);
    map.set(1, { block: 500, checksum: 1 });
    map.beginCommit();
    map.set(1, { block: 501, checksum: 1 });
    map.set(2, { block: 502, checksum: 1 });
    expect(map.block(1)).toBe(501);
    map.endCommit();
    expect([map.durableRecord(1)?.block, map.durableRecord(2)?.block]).toEqual([500, 102]);
    commit(map);
    expect([map.durableRecord(1)?.block, map.durableRecord(2)?.block]).toEqual([501, 502]);
  });
});

describe('a file that is cut', () => {
  it('has holes behind its end at once, and its old blocks after a power loss until the commit', () => {
    const map = new BlockMap(EXTENT);
    map.set(3, { block: 500, checksum: 1 });
    commit(map);
    map.truncate(2);
    expect([1, 2, 3].map((page) => map.block(page))).toEqual([101, HOLE, HOLE]);
    expect([2, 3].map((page) => map.durableRecord(page)?.block)).toEqual([102, 500]);
    map.rollback();
    expect([2, 3].map((page) => map.block(page))).toEqual([102, 500]);
    map.truncate(2);
    commit(map);
    expect([2, 3].map((page) => map.durableRecord(page))).toEqual([undefined, undefined]);
  });

  it('while a commit is under way, has holes at once though that commit has the blocks', () => {
    const map = new BlockMap(EXTENT);
    map.set(6, { block: 500, checksum: 1 });
    map.beginCommit();
    map.truncate(2);
    expect([3, 6].map((page) => map.block(page))).toEqual([HOLE, HOLE]);
    map.endCommit();
    expect([3, 6].map((page) => map.durableRecord(page)?.block)).toEqual([103, 500]);
    commit(map);
    expect([3, 6].map((page) => map.durableRecord(page)?.block)).toEqual([undefined, undefined]);
  });

  it('and grows again has holes where it was cut', () => {
    const map = new BlockMap(EXTENT);
    map.truncate(1);
    map.set(3, { block: 500, checksum: 1 });
    expect([1, 2, 3].map((page) => map.block(page))).toEqual([HOLE, HOLE, 500]);
  });
});

describe('a block that nothing refers to any more', () => {
  it('is free when the commit that replaced it is durable, not before', () => {
    const map = new BlockMap(EXTENT);
    map.set(1, { block: 500, checksum: 1 });
    expect(commit(map)).toEqual([101]);
    map.set(1, { block: 501, checksum: 1 });
    map.beginCommit();
    map.set(1, { block: 502, checksum: 1 });
    expect(map.endCommit()).toEqual([500]);
    expect(commit(map)).toEqual([501]);
  });

  it('is free with the next commit if no commit ever had it', () => {
    const map = new BlockMap(EXTENT);
    map.set(5, { block: 500, checksum: 1 });
    map.set(5, { block: 501, checksum: 1 });
    map.set(6, { block: 502, checksum: 1 });
    map.truncate(6);
    expect(commit(map)).toEqual([500, 502]);
  });

  it('is never one that the file still has, or would have after a power loss', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ op: fc.constant('set'), page: fc.nat(7) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('truncate'), page: fc.nat(7) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('begin'), page: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('end'), page: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const map = new BlockMap(EXTENT);
        const records = (): (BlockRecord | undefined)[] =>
          Array.from({ length: 8 }, (_, page) => [map.record(page), map.durableRecord(page)]).flat();
        let next = 500;
        let committing = false;
        const freed = new Set<number>();
        for (const { op, page } of steps) {
          if (op === 'set') map.set(page, { block: next++, checksum: 1 });
          else if (op === 'truncate') map.truncate(page);
          else if (op === 'begin' && !committing) {
            map.beginCommit();
            committing = true;
          } else if (op === 'end' && committing) {
            for (const block of map.endCommit()) {
              expect(freed.has(block)).toBe(false);
              freed.add(block);
            }
            committing = false;
          }
          for (const record of records()) expect(record !== undefined && freed.has(record.block)).toBe(false);
        }
        if (committing) map.endCommit().forEach((block) => freed.add(block));
        commit(map).forEach((block) => freed.add(block));
        // Nothing leaks: each block that was ever set is the file's or free.
        const held = new Set(records().map((record) => record?.block));
        for (let block = 500; block < next; block++) expect(held.has(block) || freed.has(block)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
