import fc from 'fast-check';
import { layOut, type HostLayout } from '../../../src/lab/index.js';
import type { RemoteKey } from '../../../src/lab/index.js';

/** A key that was used for one range of addresses. */
function key(start: bigint, length: bigint, changes: Partial<RemoteKey> = {}): RemoteKey {
  return {
    owner: '10.0.0.2',
    rKey: 0x100,
    region: undefined,
    minAddress: start,
    maxAddress: start + length,
    written: [],
    read: [],
    approximate: false,
    writes: 1,
    bytesWritten: Number(length),
    reads: 0,
    bytesRead: 0,
    atomics: 0,
    flushes: 0,
    firstUseNs: 0,
    firstUseFrame: 1,
    lastUseNs: 0,
    responderQpns: [],
    end: { how: 'never' },
    ...changes,
  };
}

function only(keys: readonly RemoteKey[]): HostLayout {
  const [layout] = layOut(keys);
  return layout;
}

describe('the layout of captured memory', () => {
  it('maps user memory where it was, page by page', () => {
    const { segments, lives, fileSize } = only([key(0x7f97_6aa0_0b00n, 0x2000n)]);
    expect(segments).toEqual([{ captured: 0x7f97_6aa0_0000n, address: 0x7f97_6aa0_0000, pages: 3, filePage: 0 }]);
    expect(lives[0]).toMatchObject({ address: 0x7f97_6aa0_0000, length: 0x3000, writable: true });
    expect(fileSize).toBe(3 * 4096);
  });

  it('moves kernel addresses below 2^47 and keeps distances', () => {
    const { segments } = only([
      key(0xffff_8880_1234_5000n, 0x1000n),
      key(0xffff_8880_1234_6000n, 0x1000n, { rKey: 0x200 }),
    ]);
    expect(segments).toHaveLength(1);
    expect(segments[0].pages).toBe(2);
    expect(segments[0].address).toBeLessThan(2 ** 47);
  });

  it('gives keys that touch the same pages the same pages of the file', () => {
    const { segments, lives } = only([
      key(0x1000_0000n, 0x4000n, { rKey: 0x100 }),
      key(0x1000_2000n, 0x4000n, { rKey: 0x200 }),
    ]);
    expect(segments).toHaveLength(1);
    expect(lives[1].address - lives[0].address).toBe(0x2000);
  });

  it('lays out the whole region that its owner announced', () => {
    const region = { start: 0x7f00_0000_0000n, end: 0x7f00_0040_0000n };
    const { lives, segments } = only([key(0x7f00_0010_0000n, 64n, { region })]);
    expect(lives[0]).toMatchObject({ address: 0x7f00_0000_0000, length: 0x40_0000 });
    expect(segments[0].pages).toBe(1024);
  });

  it('does not believe a region that no machine could register', () => {
    const region = { start: 0x1000_0000n, end: 0x1000_0000n + 2n ** 45n };
    expect(only([key(0x1000_0000n, 64n, { region })]).lives[0].length).toBe(4096);
  });

  it('keeps keys apart whose addresses count from the start of their region', () => {
    const { segments, lives } = only([key(0n, 0x2000n, { rKey: 0x100 }), key(0n, 0x2000n, { rKey: 0x200 })]);
    expect(segments.map(({ filePage, pages }) => [filePage, pages])).toEqual([
      [0, 2],
      [2, 2],
    ]);
    expect(lives.map(({ address }) => address)).toEqual(segments.map(({ address }) => address));
  });

  it('leaves out what lies between the pieces of a key that reaches far and uses little', () => {
    const far = 0x4000_0000_0000n;
    const pieces = [0x10_0000_0000n, 0x10_0000_1000n, far].map((start) => ({ start, end: start + 0x1000n }));
    const { segments, lives, refused } = only([
      key(pieces[0].start, far + 0x1000n - pieces[0].start, { written: pieces }),
      key(far + 0x10_0000n, 0x1000n, { rKey: 0x200 }),
    ]);
    expect(refused).toEqual([]);
    expect(segments.map(({ captured, pages }) => [captured, pages])).toEqual([
      [0x10_0000_0000n, 512],
      [far, 512],
    ]);
    const [life, other] = lives;
    expect(life.length).toBe(1024 * 4096);
    expect(life.locate(0x10_0000_1004n, 8)).toBe(life.address + 0x1004);
    expect(life.locate(far, 4096)).toBe(life.address + 512 * 4096);
    expect(life.locate(far - 4096n, 8)).toBeNull();
    expect(life.locate(0x10_001f_fff0n, 32)).toBeNull();
    // What another key reaches in the same place is the same memory.
    expect(other.address).toBe(life.address + 512 * 4096 + 0x10_0000);
  });

  it('keeps together what a key reaches far and uses much of', () => {
    const start = 0x10_0000_0000n;
    const length = 0x2000_0000n;
    const { segments } = only([key(start, length, { written: [{ start, end: start + length }] })]);
    expect(segments).toMatchObject([{ captured: start, address: Number(start), pages: 0x2_0000 }]);
  });

  it('registers what was only read for reading', () => {
    expect(only([key(0x1000n, 8n, { writes: 0, reads: 1 })]).lives[0].writable).toBe(false);
    expect(only([key(0x1000n, 8n, { writes: 0, atomics: 1 })]).lives[0].writable).toBe(true);
  });

  it('refuses a key that uses more than 1 TiB', () => {
    const start = 0x10_0000n;
    const { refused, lives } = only([key(start, 2n ** 41n, { written: [{ start, end: start + 2n ** 41n }] })]);
    expect([refused.length, lives.length]).toEqual([1, 0]);
  });

  it('never lets two pieces of memory share an address or a page of the file, unless the capture says so', () => {
    const address = fc.bigInt({ min: 0n, max: 2n ** 64n - 2n ** 26n });
    const range = fc.tuple(address, fc.bigInt({ min: 1n, max: 2n ** 24n }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 20 }), (ranges) => {
        const { segments, lives } = only(ranges.map(([start, length], i) => key(start, length, { rKey: i << 8 })));
        const byAddress = [...segments].sort((a, b) => a.address - b.address);
        byAddress.forEach((segment, i) => {
          expect(segment.address + segment.pages * 4096).toBeLessThanOrEqual(2 ** 47);
          const next = byAddress.at(i + 1);
          if (next !== undefined) expect(segment.address + segment.pages * 4096).toBeLessThanOrEqual(next.address);
        });
        segments.forEach((segment, i) => {
          const next = segments.at(i + 1);
          if (next !== undefined) expect(next.filePage).toBe(segment.filePage + segment.pages);
        });
        for (const life of lives) {
          const inside = segments.some(
            ({ address: start, pages }) => life.address >= start && life.address + life.length <= start + pages * 4096,
          );
          expect(inside).toBe(true);
        }
      }),
    );
  });
});
