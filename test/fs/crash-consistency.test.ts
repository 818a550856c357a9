import fc from 'fast-check';
import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, SEC } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { checkInvariants } from '../support/invariants.js';
import { BASE, Machine } from '../support/machine.js';

/** Files here have up to that many pages, and are as long as this before the run. */
const PAGES = 4;
const SIZE = PAGES * PAGE_SIZE;

type Step =
  | { readonly op: 'pwrite'; readonly at: number; readonly length: number }
  | { readonly op: 'store'; readonly at: number; readonly length: number }
  | { readonly op: 'truncate'; readonly size: number }
  | { readonly op: 'fsync' }
  | { readonly op: 'reclaim' }
  | { readonly op: 'wait'; readonly ns: number };

// Edges of pages and sectors are where things go wrong.
const at = fc.oneof(
  fc.nat(SIZE - 1),
  fc.tuple(fc.nat(PAGES), fc.integer({ min: -2, max: 2 })).map(([page, off]) => Math.max(0, page * PAGE_SIZE + off)),
  fc.tuple(fc.nat(8 * PAGES), fc.integer({ min: -1, max: 1 })).map(([s, off]) => Math.max(0, s * 512 + off)),
);
const length = fc.oneof(
  fc.integer({ min: 1, max: 8 }),
  fc.constant(512),
  fc.constant(PAGE_SIZE),
  fc.integer({ min: 1, max: 6000 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('pwrite' as const), at, length }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('store' as const), at, length }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('truncate' as const), size: at }) },
  { weight: 3, arbitrary: fc.constantFrom({ op: 'fsync' as const }, { op: 'reclaim' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait' as const), ns: fc.constantFrom(20_000, 5 * SEC, 31 * SEC) }),
  },
);

/** What the file should be, byte by byte, and what it may be after a power loss. */
class Model {
  size = SIZE;
  readonly bytes = new Uint8Array(2 * SIZE);
  /** Every value that a byte ever had, as bits: values are below 32. */
  private readonly had = new Int32Array(2 * SIZE).fill(1);
  /** As the last fsync that returned left it. */
  private promised = new Uint8Array(2 * SIZE);
  private promisedSize = SIZE;
  /** 1 for bytes that changed since. */
  private readonly touched = new Uint8Array(2 * SIZE);

  write(from: number, to: number, value: number): void {
    for (let i = from; i < to; i++) {
      this.bytes[i] = value;
      this.had[i] |= 1 << value;
      this.touched[i] = 1;
    }
    this.size = Math.max(this.size, to);
  }

  truncate(size: number): void {
    this.bytes.fill(0, size);
    this.touched.fill(1, size);
    this.size = size;
  }

  synced(): void {
    this.promised = this.bytes.slice();
    this.promisedSize = this.size;
    this.touched.fill(0);
  }

  /** What is wrong with what a power loss has left; null if nothing is. */
  verdict(left: Uint8Array): string | null {
    for (let i = 0; i < this.promisedSize; i++) {
      if (this.touched[i] === 1) continue;
      if (i >= left.length) return `byte ${i} is behind the end, at ${left.length}`;
      if (left[i] !== this.promised[i]) return `byte ${i} is ${left[i]}, was ${this.promised[i]} at the last fsync`;
    }
    const stranger = left.findIndex((value, i) => (this.had[i] & (1 << value)) === 0);
    return stranger < 0 ? null : `byte ${stranger} is ${left[stranger]}, which it never was`;
  }
}

function run(m: Machine, file: Inode, model: Model, steps: readonly Step[]): void {
  let value = 0;
  for (const s of steps) {
    value++;
    if (s.op === 'pwrite') {
      m.pwrite(file, s.at, new Uint8Array(s.length).fill(value));
      model.write(s.at, s.at + s.length, value);
    } else if (s.op === 'store') {
      // Inside the file: behind its end a store promises nothing.
      const end = Math.min(s.at + s.length, model.size);
      if (s.at >= end) continue;
      m.run(m.kernel.store(m.process, BASE + s.at, end - s.at, new Uint8Array(end - s.at).fill(value)));
      model.write(s.at, end, value);
    } else if (s.op === 'truncate') {
      m.ftruncate(file, s.size);
      model.truncate(s.size);
    } else if (s.op === 'fsync') {
      m.fsync(file);
      model.synced();
    } else if (s.op === 'reclaim') {
      m.run(m.kernel.reclaim.shrink(Infinity));
    } else {
      m.advance(s.ns);
    }
  }
}

/** The file as it is found when the machine is up again. */
function afterPowerLoss(m: Machine, file: Inode): Uint8Array {
  const { fs } = m.kernel;
  fs.device.powerLoss();
  fs.recover();
  const left = new Uint8Array(file.size);
  for (let page = 0; page < file.mapping.sizeInPages; page++) {
    const record = file.blocks.record(page);
    if (record === undefined) continue;
    if (!fs.isIntact(record.block, record.checksum)) throw new Error(`page ${page} does not match its checksum`);
    const there = new Uint8Array(PAGE_SIZE);
    fs.device.media.read(record.block, 0, there, 0, PAGE_SIZE);
    // Blocks smaller than a page may have been given up one by one: the disk still has what nobody can read.
    for (const [from, to] of record.holes ?? []) there.fill(0, from, to);
    left.set(there.subarray(0, Math.min(PAGE_SIZE, file.size - page * PAGE_SIZE)), page * PAGE_SIZE);
  }
  return left;
}

it('a byte of a block that a truncation gave up does not come back when the file grows again', () => {
  const m = new Machine({ fileSystem: 'ext4' });
  const file = m.file(PAGES, 'hole');
  const model = new Model();
  run(m, file, model, [
    { op: 'pwrite', at: 1024, length: 1 },
    { op: 'fsync' },
    { op: 'truncate', size: 1024 },
    { op: 'pwrite', at: 4096, length: 4096 },
    { op: 'fsync' },
  ]);
  expect(model.verdict(afterPowerLoss(m, file))).toBeNull();
});

it('a block that was cut and then given up is free once, and no two pages get it', () => {
  const m = new Machine({ fileSystem: 'ext4' });
  const file = m.file(PAGES, 'written');
  const model = new Model();
  run(m, file, model, [
    { op: 'truncate', size: 4097 },
    { op: 'truncate', size: 0 },
    { op: 'fsync' },
    { op: 'pwrite', at: 0, length: 4096 },
    { op: 'pwrite', at: 4096, length: 512 },
    { op: 'fsync' },
  ]);
  expect(model.verdict(afterPowerLoss(m, file))).toBeNull();
});

describe.each(['ext4', 'btrfs'] as const)('a file on %s that nobody but CPUs writes to', (fileSystem) => {
  it('reads as it was written, whatever was written back and reclaimed in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const m = new Machine({ fileSystem });
        const file = m.file(PAGES);
        m.mapFile(file, { pages: 2 * PAGES });
        const model = new Model();
        run(m, file, model, steps);
        expect(file.size).toBe(model.size);
        expect(Buffer.compare(Buffer.from(m.pread(file, 0, 2 * SIZE)), model.bytes.subarray(0, model.size))).toBe(0);
        m.advance(200 * MS);
        checkInvariants(m.kernel, [m.mm]);
        expect(m.kernel.fs.complaints).toBe(0);
      }),
      { numRuns: 80 },
    );
  });

  it('has after a power loss every byte that was written before the last fsync that returned', () => {
    const lastMoments = fc.record({ fsync: fc.boolean(), ns: fc.nat(300_000) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        lastMoments,
        fc.constantFrom('hole' as const, 'written' as const),
        fc.nat(1000),
        (steps, { fsync, ns }, content, seed) => {
          const m = new Machine({ fileSystem, seed });
          const file = m.file(PAGES, content);
          m.mapFile(file, { pages: 2 * PAGES });
          const model = new Model();
          run(m, file, model, steps);
          // Power fails while nothing is promised: in the middle of an fsync, or just so.
          if (fsync) {
            const syncing = m.simulation.spawn('fsync', m.kernel.fsync(file), { daemon: true });
            m.advance(ns);
            if (syncing.done) model.synced();
          } else {
            m.advance(ns);
          }
          expect(model.verdict(afterPowerLoss(m, file))).toBeNull();
        },
      ),
      { numRuns: 250 },
    );
  });
});
