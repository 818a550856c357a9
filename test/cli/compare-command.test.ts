import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { run } from '../../src/cli/index.js';
import type { ComparisonJson } from '../../src/lab/index.js';
import { capturePath } from '../lab/capture/support/real-captures.js';
import { Traffic, data } from '../lab/capture/support/traffic.js';

/** What the command wrote, and how it ended. */
interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function pinless(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await run(args, '1.2.3', {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    showsProgress: false,
  });
  return { status, out: out.join(''), err: err.join('') };
}

const CAPTURE = capturePath('odp-write-ext4file-q4-4096');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pinless-cli-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

describe('pinless compare', () => {
  it('prints a table with a column per driver and policy, and what it says in a sentence each', async () => {
    const { status, out, err } = await pinless('compare', CAPTURE);
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/pinned \(P0\).*odp \(P12\).*pinned \(P1\)/);
    expect(out).toMatch(/fsynced bytes lost .* [1-9][\d,]* .* 0 /);
    expect(out).toMatch(
      /pinned \(P0\): [\d.]+ s after the first request, [\d,]+ bytes that fsync had promised were not on the disk; up to 72 pages pinned/,
    );
    expect(out).toMatch(
      /odp \(P12\): at every fsync, all that it promised was on the disk, whole; no page was pinned\./,
    );
    expect(out).toMatch(/pinned \(P1\): the application does not start: EFAULT: /);
  });

  it('--json prints one object and nothing else', async () => {
    const { status, out, err } = await pinless('compare', CAPTURE, '--json', '--seed', '7', '--fs', 'btrfs');
    expect([status, err]).toEqual([0, '']);
    const json = JSON.parse(out) as ComparisonJson;
    expect(json).toMatchObject({ capture: CAPTURE, seed: 7, fileSystem: 'btrfs' });
    expect(json.columns).toHaveLength(3);
  });

  it('--fail-on-loss ends with status 1 if data was lost, and only then', async () => {
    expect((await pinless('compare', CAPTURE, '--json', '--fail-on-loss')).status).toBe(1);
    expect((await pinless('compare', CAPTURE, '--json', '--fail-on-loss', '--drivers', 'odp')).status).toBe(0);
  });

  it('--trace writes the trace whose SHA-256 it prints', async () => {
    const path = join(directory, 'trace.jsonl');
    const { out } = await pinless('compare', CAPTURE, '--json', '--trace', path);
    const { traceSha256 } = JSON.parse(out) as ComparisonJson;
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(traceSha256);
    expect(readdirSync(directory).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('--trace writes into what is no regular file, and leaves it what it is', async () => {
    const { status } = await pinless('compare', CAPTURE, '--json', '--trace', '/dev/null');
    expect([status, statSync('/dev/null').isCharacterDevice()]).toEqual([0, true]);
  });

  it('takes a driver from a module', async () => {
    const path = file('no-driver.mjs', 'export default { manifest: { name: "odd" } };\n');
    const { status, err } = await pinless('compare', CAPTURE, '--drivers', path);
    expect(status).toBe(2);
    expect(err).toMatch(/--drivers: the default export of ".*no-driver\.mjs" is no driver plugin/);
  });
});

describe('what cannot be used ends with status 2 and one message', () => {
  const pcap = readFileSync(CAPTURE);

  it.each([
    ['a file that is not there', () => join(directory, 'missing.pcap'), /missing\.pcap: .*no such file/],
    ['a directory', () => directory, /is a directory/],
    ['an empty file', () => file('empty.pcap', ''), /empty/],
    ['something else', () => file('text.pcap', 'not a capture at all, just some text\n'), /not a capture/],
    ['a compressed capture', () => file('c.pcap', Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])), /gunzip/],
    [
      'a header and nothing behind it',
      () => file('head.pcap', pcap.subarray(0, 24)),
      /no RDMA request to replay: it holds no frames/,
    ],
    [
      'a damaged first record',
      () => file('bad.pcap', Buffer.concat([pcap.subarray(0, 24), Buffer.alloc(64, 0xff)])),
      /frame 1, byte 24/,
    ],
  ])('%s', async (_name, path, message) => {
    const { status, out, err } = await pinless('compare', path());
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(message);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).not.toMatch(/\n {4}at /);
  });

  it.each([
    [['--fs', 'zfs'], /--fs takes one of ext4, btrfs, xfs, not "zfs"/],
    [['--fsync-period', '50'], /--fsync-period takes a time such as 50ms, 5s or 100us, not "50"/],
    [['--fsync-period', '-1ms'], /--fsync-period takes a time/],
    [['--dirty-expire', '2000000s'], /--dirty-expire takes at most a day/],
    [['--storage', 'tape'], /--storage takes one of nvme, cloud-ssd, hdd, not "tape"/],
    [['--device', 'modem'], /--device takes one of connectx, rxe, not "modem"/],
    [['--memory', '3T'], /--memory takes a size from 1M to 256G, not "3T"/],
    [['--seed', '1e3'], /--seed takes a whole number from 0 to 2147483647, not "1e3"/],
    [['--icrc', 'maybe'], /--icrc takes one of check, ignore, not "maybe"/],
    [['--file-content', 'full'], /--file-content takes one of written, hole, not "full"/],
    [['--drivers', 'floppy'], /--drivers: "floppy" is none of pinned, odp, and cannot be loaded as a module/],
    [['--drivers', 'test/fixtures/drivers'], /--drivers: "test\/fixtures\/drivers" is a folder: name the file in it/],
    [['--drivers', 'pinned,,odp'], /--drivers takes names with a comma between two, not "pinned,,odp"/],
    [['--drivers', 'odp,odp'], /--drivers names "odp" twice/],
    [['--fsync-period', '0.1ns'], /--fsync-period takes at least 1ns, or 0, not "0\.1ns"/],
    [['--trace', '/no/such/directory/t'], /--trace: cannot write/],
    [['--trace', tmpdir()], /--trace: cannot write ".*": it is a directory/],
    [['--trace', CAPTURE], /--trace: cannot write ".*": it is the capture/],
    [['--frobnicate'], /unknown option '--frobnicate'/],
  ])('%p', async (options, message) => {
    const { status, out, err } = await pinless('compare', CAPTURE, ...options);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(message);
  });

  it('and leaves no trace half-written', async () => {
    const path = join(directory, 'never.jsonl');
    await pinless('compare', join(directory, 'missing.pcap'), '--trace', path);
    expect([existsSync(path), existsSync(`${path}.partial`)]).toEqual([false, false]);
  });
});

describe('a capture of which only a part can be used', () => {
  it('is used as far as it goes, and the end is named', async () => {
    const whole = readFileSync(CAPTURE);
    const path = file('cut.pcap', whole.subarray(0, whole.length - 1000));
    const { status, out } = await pinless('compare', path);
    expect(status).toBe(0);
    expect(out).toMatch(/stopped {2}at frame 2132, byte 4309858: the file ends 14 bytes into a 16-byte record header/);
  });

  it('has its long silences shortened, and says by how much', async () => {
    const traffic = new Traffic().write(0, 0x7f00_0000_0000n, data(64)).ack(0);
    traffic
      .pause(86_400 * 1e9)
      .write(1, 0x7f00_0000_0000n, data(64))
      .ack(1);
    const { status, out } = await pinless('compare', traffic.file());
    expect(status).toBe(0);
    expect(out).toMatch(/skipped {2}86330 s of 1 silence in the capture/);
  });

  it('loses frames with a wrong ICRC, counted, unless they are to be used', async () => {
    const broken = Buffer.from(readFileSync(CAPTURE));
    // A byte of the first frame's payload.
    broken[24 + 16 + 200] ^= 0xff;
    const path = file('icrc.pcap', broken);
    expect((await pinless('compare', path)).out).toMatch(/left out 1 x wrong ICRC, .*first at frame 1, byte 24/);
    expect((await pinless('compare', path, '--icrc', 'ignore')).out).not.toMatch(/wrong ICRC/);
  });
});

describe('help', () => {
  it('is everywhere, and on stdout', async () => {
    for (const args of [['--help'], ['compare', '--help'], ['help', 'compare']]) {
      const { status, out, err } = await pinless(...args);
      expect([status, err]).toEqual([0, '']);
      expect(out).toMatch(/Usage: pinless/);
    }
  });

  it('the version is the package’s', async () => {
    expect((await pinless('--version')).out).toBe('1.2.3\n');
  });

  it('an unknown command is a usage error', async () => {
    expect((await pinless('compre')).status).toBe(2);
  });
});
