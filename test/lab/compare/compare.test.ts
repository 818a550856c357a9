import { compare, comparisonJson, foundLoss, type ColumnResult, type Comparison } from '../../../src/lab/index.js';
import { RXE } from '../../../devices/nic/index.js';
import { captureNames, capturePath, oracleOf } from '../capture/support/real-captures.js';
import { Traffic, data } from '../capture/support/traffic.js';
import { defaults } from '../../support/compare-options.js';

/** The column of a driver under a policy. */
function column({ columns }: Comparison, driver: string, policy: string): ColumnResult {
  const found = columns.find((candidate) => candidate.driver === driver && candidate.policy === policy);
  if (found === undefined) throw new Error(`no column ${driver} ${policy}`);
  return found;
}

const VA = 0x7f00_0000_0000n;
const SHIPPED = ['fio-librpma-file-1024', 'odp-write-ext4file-q4-4096'];

describe('the shipped captures', () => {
  describe.each(SHIPPED)('%s', (name) => {
    it.each([1, 2, 3])('seed %i: the pin loses what fsync had promised, on-demand paging does not', (seed) => {
      for (const fileSystem of ['ext4', 'btrfs'] as const) {
        const comparison = compare(defaults(capturePath(name), { seed, fileSystem }));
        const pin = column(comparison, 'pinned', 'P0');
        const odp = column(comparison, 'odp', 'P12');
        expect(pin.lostBytes).toBeGreaterThan(0);
        expect(odp).toMatchObject({
          lostBytes: 0,
          tornBlocks: 0,
          badChecksums: 0,
          staleReads: 0,
          fsErrors: 0,
          errors: 0,
        });
        expect(odp.acknowledgedBytes).toBe(pin.acknowledgedBytes);
        expect(odp.pinnedPages).toBe(0);
        expect(odp.deviceFaults).toBeGreaterThan(0);
        expect(foundLoss(comparison)).toBe(true);
      }
    });

    it('is refused to a pin since Linux 6.5, and the refusal says why', () => {
      const refused = column(compare(defaults(capturePath(name))), 'pinned', 'P1');
      expect(refused.refused).toMatchObject({ errno: 'EFAULT', host: '10.77.0.2' });
      expect(refused.refused?.reason).toMatch(/long-term pin of 0x[0-9a-f]+ for writing: VMA .* dirty tracking/);
      expect(refused.requests).toBe(0);
    });
  });

  it('give the same trace for the same seed, and another one for another', () => {
    const path = capturePath(SHIPPED[1]);
    const lines: string[] = [];
    const first = compare(defaults(path), (line) => lines.push(line));
    expect(compare(defaults(path)).traceSha256).toBe(first.traceSha256);
    expect(compare(defaults(path, { seed: 2 })).traceSha256).not.toBe(first.traceSha256);
    expect(lines.every((line) => line.endsWith('\n') && 'kind' in (JSON.parse(line) as object))).toBe(true);
  });
});

describe('every capture', () => {
  it.each(captureNames)('%s replays: every request completes, and on-demand paging loses nothing', (name) => {
    const comparison = compare(defaults(capturePath(name), { device: RXE }));
    const oracle = oracleOf(name);
    for (const result of comparison.columns) {
      if (result.refused !== undefined) continue;
      expect(result).toMatchObject({ errors: 0, notPosted: [], staleReads: 0, fsErrors: 0 });
      expect(result.completed).toBe(result.requests);
      const messages = Object.values(oracle.messages).reduce((sum, count) => sum + count, 0);
      expect(result.requests).toBe(messages);
    }
    expect(column(comparison, 'odp', 'P12')).toMatchObject({ lostBytes: 0, tornBlocks: 0, badChecksums: 0 });
  });

  it('of a kernel user, with one key per command, loses nothing with pins either: they end with the command', () => {
    const result = column(compare(defaults(capturePath('nvme-fs-k61-1024'))), 'pinned', 'P0');
    expect(result.lostBytes).toBe(0);
    expect(result.pinnedPages).toBeLessThan(result.residentPages);
  });
});

describe('options', () => {
  /** Four WRITEs into one page and a READ of it, a millisecond apart. */
  function story(): string {
    const traffic = new Traffic();
    traffic.stepNs = 1_000_000;
    for (let i = 0; i < 4; i++) traffic.write(i, 0x7f0000001000n, data(1000, i)).ack(i);
    return traffic.read(4, 0x7f0000001000n, 1000).readResponse(4, data(1000, 3)).file();
  }

  it('post requests at their captured times, or as fast as possible', () => {
    const timed = column(compare(defaults(story())), 'odp', 'P12');
    const fast = column(compare(defaults(story(), { asFastAsPossible: true })), 'odp', 'P12');
    expect(timed.durationNs).toBeGreaterThan(7_000_000);
    expect(fast.durationNs).toBeLessThan(2_000_000);
    expect([timed.completed, fast.completed]).toEqual([5, 5]);
  });

  it('an fsync period of 0 leaves the one at the end', () => {
    const { fsync } = column(compare(defaults(story(), { fsyncPeriod: 0 })), 'odp', 'P12');
    expect(fsync.count).toBe(1);
  });

  it('a file that is all hole gets its blocks at writeback', () => {
    const result = column(compare(defaults(story(), { content: 'hole' })), 'odp', 'P12');
    expect(result).toMatchObject({ lostBytes: 0, completed: 5 });
  });

  it('background writeback alone cleans pages, and a pin then loses what comes after', () => {
    const traffic = new Traffic();
    traffic.write(0, 0x7f0000001000n, data(1000)).ack(0).pause(60_000_000_000);
    traffic.write(1, 0x7f0000001000n, data(1000, 2)).ack(1);
    const comparison = compare(defaults(traffic.file(), { fsyncPeriod: 0 }));
    expect(column(comparison, 'pinned', 'P0').lostBytes).toBe(1000);
    expect(column(comparison, 'odp', 'P12').lostBytes).toBe(0);
  });

  it('memory that does not hold the pinned region refuses it with ENOMEM', () => {
    const traffic = new Traffic()
      .write(0, 0x7f0000000000n, data(8))
      .ack(0)
      .write(1, 0x7f0000000000n + 2n ** 24n, data(8))
      .ack(1);
    const { refused } = column(compare(defaults(traffic.file(), { memory: 2 ** 22 })), 'pinned', 'P0');
    expect(refused?.errno).toBe('ENOMEM');
  });
});

describe('a hostile capture', () => {
  it('with an address at the end of the address space is laid out, not believed', () => {
    const traffic = new Traffic().write(0, 0xffff_ffff_ffff_f000n, data(16)).ack(0);
    expect(column(compare(defaults(traffic.file())), 'odp', 'P12')).toMatchObject({
      completed: 1,
      errors: 0,
      lostBytes: 0,
    });
  });

  it('with one key over the whole address space is laid out as the two places that it reaches', () => {
    const traffic = new Traffic().write(0, 0x10_0000n, data(16)).ack(0).write(1, 0x7fff_ffff_f000n, data(16)).ack(1);
    const comparison = compare(defaults(traffic.file()));
    expect(column(comparison, 'odp', 'P12')).toMatchObject({ completed: 2, errors: 0, notPosted: [] });
    expect(column(comparison, 'pinned', 'P0').pinnedPages).toBe(1024);
  });

  it('with a region of more than a machine could register leaves its requests out, and says where', () => {
    const traffic = new Traffic();
    // READs of 2 GiB one behind the other, more than 1 TiB in all; each takes 2^19 PSNs.
    for (let i = 0; i < 513; i++) traffic.read((i << 19) % 2 ** 24, 2n ** 40n + BigInt(i) * 2n ** 31n, 2 ** 31);
    const result = column(compare(defaults(traffic.file(), { drivers: defaults('').drivers.slice(1) })), 'odp', 'P12');
    expect(result).toMatchObject({ requests: 0 });
    expect(result.notPosted).toMatchObject([{ reason: 'no-memory', count: 513, firstFrame: 1, firstOffset: 24 }]);
  });

  it('with several hosts counts what all of them would lose at one moment, not the worst of each', () => {
    const step = 1_000_000;
    const a = new Traffic(0x20, 0x10, '10.0.0.1', '10.0.0.2');
    const b = new Traffic(0x21, 0x11, '10.0.0.1', '10.0.0.3');
    const at = (traffic: Traffic, ms: number): Traffic => {
      traffic.ns = ms * step;
      return traffic;
    };
    // A loses 4096 bytes until its key is superseded; the page is then written in the background. Only then B loses as much.
    for (const [psn, ms] of [0, 600, 1300].entries()) at(a, ms).write(psn, VA, data(4096, psn), 4096, 0x1200).ack(psn);
    at(a, 1700)
      .write(3, VA + 8192n, data(64), 4096, 0x1201)
      .ack(3);
    for (const [psn, ms] of [0, 600].entries()) at(b, ms).write(psn, VA, data(8, psn), 4096, 0x1300).ack(psn);
    at(b, 1800)
      .write(2, VA + 4096n, data(4096, 9), 4096, 0x1300)
      .ack(2);
    at(b, 3300)
      .write(3, VA + 4096n, data(8, 9), 4096, 0x1300)
      .ack(3);
    const file = a.merge(b).file();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const options = { seed, fsyncPeriod: 500 * step, writeback: { writeback: 20 * step, expire: 0 } };
      const { lostBytes } = column(compare(defaults(file, options)), 'pinned', 'P0');
      expect(lostBytes).toBeGreaterThanOrEqual(4096);
      expect(lostBytes).toBeLessThanOrEqual(4104);
    }
  });

  it('that starves a device under fsync ends, and says so', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 4; i++) traffic.write(i, 0x7f00_0000_0000n + BigInt(i * 4096), data(4096), 4096).ack(i);
    const result = column(compare(defaults(traffic.file(), { fsyncPeriod: 200_000 })), 'odp', 'P12');
    expect(result.completed + result.unfinished).toBe(4);
    expect(result.unfinished).toBeGreaterThan(0);
    expect(result.lostBytes).toBe(0);
  });

  it('with a READ of more than it can stand for leaves it out', () => {
    const traffic = new Traffic().read(0, 0x7f0000000000n, 2 ** 31 - 4096);
    const result = column(compare(defaults(traffic.file(), { drivers: defaults('').drivers.slice(1) })), 'odp', 'P12');
    expect(result.notPosted).toMatchObject([{ reason: 'read-budget', count: 1 }]);
  });

  it('without any request to replay is refused with the reason', () => {
    const traffic = new Traffic().ack(7);
    expect(() => compare(defaults(traffic.file()))).toThrow(/no RDMA request to replay: 1 of its 1 frames/);
  });
});

it('the JSON has exactly the promised fields, in plain numbers', () => {
  const json = comparisonJson(compare(defaults(capturePath(SHIPPED[1]))));
  const [first] = json.columns;
  expect(Object.keys(json)).toEqual(
    expect.arrayContaining(['capture', 'seed', 'fileSystem', 'columns', 'traceSha256']),
  );
  const numbers = [
    'requests',
    'completed',
    'errors',
    'acknowledgedBytes',
    'lostBytes',
    'tornBlocks',
    'badChecksums',
    'staleReads',
    'fsErrors',
    'deviceFaults',
    'invalidations',
    'rnrNaks',
    'retransmits',
    'pinnedPages',
    'residentPages',
  ] as const;
  for (const field of numbers) expect(Number.isInteger(first[field])).toBe(true);
  expect(Object.keys(first.latencyNs)).toEqual(['p50', 'p99', 'max']);
  expect(Object.keys(first.fsync)).toEqual(['count', 'totalNs', 'waitedForDeviceNs']);
  expect(json.traceSha256).toMatch(/^[0-9a-f]{64}$/);
});
