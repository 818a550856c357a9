import fc from 'fast-check';
import { PAGE_SIZE, PageContents, StampRuns, UNWRITTEN } from '../../src/base/index.js';

const write = fc.record({
  page: fc.nat(3),
  offset: fc.nat(PAGE_SIZE - 1),
  length: fc.integer({ min: 1, max: PAGE_SIZE }),
  later: fc.boolean(),
});

describe('PageContents', () => {
  it('knows of every byte which write it comes from, and the byte', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 20 }), (writes) => {
        const contents = new PageContents(true);
        const stamps = new Int32Array(4 * PAGE_SIZE);
        const bytes = new Uint8Array(4 * PAGE_SIZE);
        writes.forEach(({ page, offset, length, later }, i) => {
          const size = Math.min(length, PAGE_SIZE - offset);
          const data = new Uint8Array(size + 7).fill(i + 1);
          if (later) contents.writeLater(page, offset, size, i + 1, data, 7);
          else contents.write(page, offset, size, i + 1, data, 7);
          stamps.fill(i + 1, page * PAGE_SIZE + offset, page * PAGE_SIZE + offset + size);
          bytes.fill(i + 1, page * PAGE_SIZE + offset, page * PAGE_SIZE + offset + size);
        });
        for (let page = 0; page < 4; page++) {
          const got = new Uint8Array(PAGE_SIZE);
          contents.read(page, 0, got, 0, PAGE_SIZE);
          expect(Buffer.compare(got, bytes.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE))).toBe(0);
          const seen = new Int32Array(PAGE_SIZE);
          contents.forEachRun(page, 0, PAGE_SIZE, (start, end, stamp) => seen.fill(stamp, start, end));
          expect(seen).toEqual(stamps.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('copies bytes and stamps of a part of a page', () => {
    const memory = new PageContents(true);
    const disk = new PageContents(true);
    memory.write(5, 0, PAGE_SIZE, 1, new Uint8Array(PAGE_SIZE).fill(1));
    memory.write(5, 100, 50, 2, new Uint8Array(50).fill(2));
    disk.copy(memory, 5, 9, 0, 120);
    expect([disk.stampAt(9, 99), disk.stampAt(9, 119), disk.stampAt(9, 120)]).toEqual([1, 2, UNWRITTEN]);
    const bytes = new Uint8Array(3);
    disk.read(9, 118, bytes, 0, 3);
    expect([...bytes]).toEqual([2, 2, 0]);
  });

  it('has one checksum for the same content, however it came about, and another for any other', () => {
    const a = new PageContents(false);
    const b = new PageContents(false);
    a.write(0, 0, PAGE_SIZE, 1, null);
    a.write(0, 0, 512, 2, null);
    b.write(7, 512, PAGE_SIZE - 512, 1, null);
    b.write(7, 0, 512, 2, null);
    expect(a.checksum(0)).toBe(b.checksum(7));
    b.write(7, 4095, 1, 3, null);
    expect(a.checksum(0)).not.toBe(b.checksum(7));
  });

  it('is zeros again, written by nobody, after clear', () => {
    const contents = new PageContents(true);
    contents.write(1, 0, 10, 4, new Uint8Array(10).fill(9));
    contents.clear(1);
    const bytes = new Uint8Array(10);
    contents.read(1, 0, bytes, 0, 10);
    expect([...bytes]).toEqual(new Array(10).fill(0));
    expect(contents.stampAt(1, 0)).toBe(UNWRITTEN);
    expect(contents.writtenPages()).toEqual([]);
  });

  it('puts copies off only as far as nobody can tell', () => {
    const contents = new PageContents(true);
    const source = new Uint8Array(2 * PAGE_SIZE).fill(7);
    contents.writeLater(0, 0, PAGE_SIZE, 1, source, 0);
    contents.writeLater(1, 0, PAGE_SIZE, 1, source, PAGE_SIZE);
    contents.write(0, 10, 1, 2, new Uint8Array([8]));
    source.fill(0);
    const bytes = new Uint8Array(12);
    contents.read(0, 0, bytes, 0, 12);
    expect([...bytes]).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7]);
  });
});

describe('StampRuns', () => {
  it('never has two neighbouring runs of one stamp', () => {
    const set = fc.record({ from: fc.nat(63), length: fc.integer({ min: 1, max: 64 }), stamp: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(set, { maxLength: 30 }), (sets) => {
        const runs = new StampRuns(64, 0);
        for (const { from, length, stamp } of sets) runs.set(from, Math.min(64, from + length), stamp);
        let previous = -1;
        let reached = 0;
        runs.forEach(0, 64, (start, end, stamp) => {
          expect(start).toBe(reached);
          expect(stamp).not.toBe(previous);
          previous = stamp;
          reached = end;
        });
        expect(reached).toBe(64);
      }),
    );
  });
});
