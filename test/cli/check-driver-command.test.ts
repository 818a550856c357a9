import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIST, pinless } from '../support/cli.js';

interface Told {
  readonly status: string;
  readonly reason?: string;
  readonly replay?: { readonly command: string; readonly program?: readonly string[] };
}

interface Verdict {
  readonly driver: string;
  readonly verdict: string;
  readonly rules: Readonly<Record<string, Told>>;
  readonly suites: readonly {
    readonly name: string;
    readonly tests: readonly (Told & { readonly name: string })[];
    readonly ran: number;
    readonly failed: number;
    readonly notApplicable: number;
  }[];
}

/** The rules of a status. */
function ruled({ rules }: Verdict, status: string): string[] {
  return Object.entries(rules).flatMap(([rule, told]) => (told.status === status ? [rule] : []));
}

/** Few of what is drawn: the rest is the same in every run. */
const FEW = ['--programs', '14', '--storms', '4'];

describe('pinless check-driver', () => {
  let folder: string;
  let careless: string;
  let looping: string;
  let leaving: string;
  let gone: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pinless-check-driver-'));
    const module = (name: string, body: string): string => {
      const file = join(folder, `${name}.mjs`);
      writeFileSync(
        file,
        `import { driverPlugin } from '${join(DIST, 'src/index.js')}';
         import { OdpDriver } from '${join(DIST, 'devices/odp/index.js')}';
         class Driver extends OdpDriver { ${body} }
         export default driverPlugin(
           { name: '${name}', title: 'A driver', onDemandPaging: true },
           (hardware, kernel) => new Driver(hardware, kernel),
         );`,
      );
      return file;
    };
    careless = module('careless', 'invalidate(umem, range, seq) { umem.notifier.setSeq(seq); }');
    looping = module('looping', '*pageFault() { for (;;); }');
    leaving = module('leaving', '*pageFault() { process.exit(0); }');
    gone = module('gone', 'static { process.exit(0); }');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('passes the ODP driver, and says which rules something has put to the test', () => {
    const { status, out } = pinless('check-driver', 'odp', '--json', ...FEW);
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.driver, verdict.verdict]).toEqual([0, 'odp', 'passed']);
    expect(verdict.suites.every(({ failed }) => failed === 0)).toBe(true);
    expect(ruled(verdict, 'failed')).toEqual([]);
    expect(ruled(verdict, 'not-applicable')).toEqual(['R17']);
    expect(verdict.rules.R17.reason).toBe('the device caused no notification of its own');
  });

  it('passes the mirror, a device with a driver of its own, which has no keys', () => {
    const { status, out } = pinless('check-driver', 'mirror', '--json', ...FEW);
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.verdict]).toEqual([0, 'passed']);
    expect(verdict.rules.R13).toEqual({ status: 'not-applicable', reason: 'the device has no keys' });
  });

  it('passes the pinning driver, which the rules of notifiers do not bind', () => {
    const { status, out } = pinless('check-driver', 'pinned', '--json', ...FEW);
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.verdict, ruled(verdict, 'passed')]).toEqual([0, 'passed', ['R19']]);
    expect(verdict.rules.R1.reason).toBe('the driver pins: the rules of mmu notifiers do not bind it');
  });

  it('fails a driver that breaks a rule, and what it says to run again fails again', () => {
    const { status, out } = pinless('check-driver', careless, '--json', ...FEW);
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.verdict]).toEqual([1, 'failed']);
    expect(ruled(verdict, 'failed')).toContain('R1');
    const [name, ...args] = String(verdict.rules.R1.replay?.command).split(' ');
    expect([name, ...args.slice(0, 3)]).toEqual(['pinless', 'check-driver', careless, '--only']);
    const again = pinless(...args);
    expect(again.status).toBe(1);
    expect(again.out).toMatch(/^R1: no access through an old translation/m);
    expect(again.out).toMatch(/driver "careless" \(A driver\): FAILED/);
  });

  it('does not wait for a driver that loops without yielding', () => {
    const { status, out } = pinless('check-driver', looping, '--only', 'storms', '--storms', '20', '--timeout', '1');
    expect(status).toBe(1);
    expect(out).toMatch(
      /storms failed\n {2}did not come back: a run of it has done nothing for 1 s\n {2}again: .* --only storms#\d+/,
    );
  });

  it('says of a driver that ends the process that it does, wherever it does', () => {
    const late = pinless('check-driver', leaving, '--only', 'gaps.unaligned_region');
    expect(late.status).toBe(1);
    expect(late.out).toMatch(/failed at .*the driver ended the process: it called process\.exit\(0\)\n {2}again: /);
    const early = pinless('check-driver', gone);
    expect([early.status, early.err]).toEqual([2, expect.stringMatching(/cannot be loaded .*process\.exit\(0\)/)]);
  });

  it.each([
    ['a suite that there is not', ['odp', '--only', 'weather'], /there is no suite "weather"; there are .*storms/],
    [
      'a seed that there is not',
      ['odp', '--only', 'operations#9999'],
      /seeds of operations go from 1 to \d+, not "9999"/,
    ],
    ['a driver that there is not', ['./nowhere.js'], /"\.\/nowhere\.js" is none of pinned, odp, mirror/],
  ])('refuses %s', (_what, args, message) => {
    const { status, err } = pinless('check-driver', ...args);
    expect([status, err]).toEqual([2, expect.stringMatching(message) as string]);
  });
});

it.each([
  ['compare', 'captures/fio-librpma-file-1024.pcap', '--drivers', 'mirror'],
  ['run', '/dev/null', '--driver', 'mirror'],
])('pinless %s needs the driver of a NIC, and says so of a device that brings its own', (...args) => {
  const { status, err } = pinless(...args);
  expect(status).toBe(2);
  expect(err).toMatch(/"mirror" is a device with a driver of its own, and no driver of a NIC/);
});
