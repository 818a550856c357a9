import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../dist');

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function pinless(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, 'src/cli/main.js'), ...args], {
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

interface Verdict {
  readonly driver: string;
  readonly verdict: string;
  readonly rules: Readonly<Record<string, { readonly status: string; readonly replay?: { readonly command: string } }>>;
  readonly suites: readonly { readonly name: string; readonly ran: number; readonly failed: number }[];
}

describe('pinless check-driver', () => {
  let folder: string;
  let careless: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pinless-check-driver-'));
    careless = join(folder, 'careless.mjs');
    // A driver that lets an invalidation return before its device has let go.
    writeFileSync(
      careless,
      `import { driverPlugin } from '${join(DIST, 'src/index.js')}';
       import { OdpDriver } from '${join(DIST, 'devices/odp/index.js')}';
       class Careless extends OdpDriver {
         invalidate(umem, range, seq) { umem.notifier.setSeq(seq); }
       }
       export default driverPlugin(
         { name: 'careless', title: 'Careless', onDemandPaging: true },
         (hardware, kernel) => new Careless(hardware, kernel),
       );`,
    );
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('passes the ODP driver, and says what it was tried with', () => {
    const { status, out } = pinless('check-driver', 'odp', '--json', '--programs', '21', '--storms', '3');
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.driver, verdict.verdict]).toEqual([0, 'odp', 'passed']);
    expect(verdict.suites.map(({ name, failed }) => [name, failed])).toEqual([
      ['operations', 0],
      ['storms', 0],
      ['programs', 0],
    ]);
    expect(Object.values(verdict.rules).every((rule) => rule.status === 'passed')).toBe(true);
  });

  it('fails a driver that breaks a rule, and says how to see it again', () => {
    const { status, out } = pinless('check-driver', careless, '--json', '--programs', '0', '--storms', '3');
    const verdict = JSON.parse(out) as Verdict;
    expect([status, verdict.verdict]).toEqual([1, 'failed']);
    const failed = Object.entries(verdict.rules).filter(([, rule]) => rule.status === 'failed');
    expect(failed.map(([rule]) => rule)).toContain('R1');
    const storm = pinless('check-driver', careless, '--storm', '1');
    expect(storm.status).toBe(1);
    expect(storm.out).toMatch(/driver "careless": FAILED/);
  });

  it('has nothing to say of a driver that pins', () => {
    const { status, err } = pinless('check-driver', 'pinned');
    expect(status).toBe(2);
    expect(err).toMatch(/driver "pinned" pins what it maps/);
  });
});
