import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import type { Recording } from '../../src/lab/program/index.js';
import { type Ran, ran } from '../support/child.js';

const BIN = join(dirname(fileURLToPath(import.meta.url)), '../../dist/src/cli/main.js');

/** The command as it was built: its threads run what was built, too. */
function pinless(args: readonly string[], input = ''): Ran {
  return ran(process.execPath, [BIN, ...args], { input });
}

const PROGRAM = `map name=m kind=ext4 share=shared prot=rw pages=4
mr name=r map=m first=0 pages=4
rdma_write mr=r page=1 value=0x22
fsync map=m
cpu_read map=m page=1
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinless-programs-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function record(): Recording {
  return JSON.parse(pinless(['run', file('0001-ext4.txt', PROGRAM), '--json']).out) as Recording;
}

describe('pinless run', () => {
  it('runs on a NIC with a driver, built in or in TypeScript, and says what is wrong with one that cannot be loaded', () => {
    const dist = join(dirname(BIN), '../..');
    const path = file(
      'mine.ts',
      `import { driverPlugin } from '${join(dist, 'src/index.js')}';
       import { OdpDriver } from '${join(dist, 'devices/odp/index.js')}';
       const manifest: { readonly name: string } & Record<string, unknown> = { name: 'mine', title: 'Mine', onDemandPaging: true };
       export default driverPlugin(manifest as never, (hardware, kernel) => new OdpDriver(hardware, kernel));`,
    );
    for (const driver of ['odp', path]) {
      const { status, out, err } = pinless(['run', '-', '--driver', driver], PROGRAM);
      expect([status, err]).toEqual([0, '']);
      expect(out).toContain('fsync map=m: clean#1(1) <PROTECTION_PAGE[1,2) cb t[1,2)>');
    }
    const unmade = pinless(['run', '-', '--driver', './test/fixtures/drivers/does-not-start.mjs'], PROGRAM);
    expect([unmade.status, unmade.out]).toEqual([2, '']);
    expect(unmade.err).toBe(
      'pinless: the run was stopped: driver "does-not-start" threw in create(nic): no such hardware\n',
    );
    const broken = pinless(['run', '-', '--driver', file('broken.ts', 'export default {')], PROGRAM);
    expect([broken.status, broken.out]).toEqual([2, '']);
    expect(broken.err).toMatch(/cannot be loaded as a module: .*Unexpected token/);
  });

  it('says of each step what the kernel and the device did', () => {
    const { status, out, err } = pinless(['run', '-'], PROGRAM);
    expect([status, err]).toEqual([0, '']);
    expect(out.split('\n').slice(2, 5)).toEqual([
      'rdma_write mr=r page=1 value=0x22: F[1,2)=1 w1@k mk1 => SUCCESS',
      'fsync map=m: clean#1(1) <PROTECTION_PAGE[1,2) cb u[1,2) t[1,2)>',
      'cpu_read map=m page=1: => value 0x22',
    ]);
  });

  it('refuses what it cannot read, and a file that is not there', () => {
    const { status, err } = pinless(['run', '-'], 'map name=m\n');
    expect([status, err]).toEqual([
      2,
      expect.stringContaining('line 1, column 1: map needs share=, one of private, shared'),
    ]);
    expect(pinless(['run', join(folder, 'nothing.txt')]).status).toBe(2);
  });

  it('says where a program asks for what is not modelled, also if that is only how its files end', () => {
    const { status, out, err } = pinless(['run', '-'], `# a\n${PROGRAM}  pread map=m off=0 len=0x20000000\n`);
    expect([status, out.split('\n').at(-2), err]).toEqual([
      1,
      'cpu_read map=m page=1: => value 0x22',
      expect.stringMatching(/^pinless: line 7, column 3: the program stopped at "pread .*": 536870912 bytes at once/),
    ]);
    const long = pinless(['run', '-'], `${PROGRAM}ftruncate map=m bytes=0x8000000000\n`);
    expect([long.status, long.err]).toEqual([
      1,
      'pinless: while looking at what files hold in the end: 134217728 pages are too many to look at\n',
    ]);
  });
});

describe('pinless conform', () => {
  it('agrees with what pinless itself has recorded, and says so by kind and level', () => {
    const { status, out } = pinless(['conform', file('0001-ext4.json', JSON.stringify(record()))]);
    expect(status).toBe(0);
    expect(out).toMatch(/ext4 +│ 1 +│ 1 \(100 %\)/);
  });

  it('shows where a program parts from its recording, and fails at the levels that see it', () => {
    const recording = record();
    const steps = recording.steps.map((step) => (step.do.op === 'fsync' ? { ...step, events: [] } : step));
    const path = file('0002-ext4.json', JSON.stringify({ ...recording, name: '0002-ext4', steps }));
    const { status, out } = pinless(['conform', path]);
    expect(status).toBe(1);
    expect(out).toContain('0002-ext4 L1 step 3: fsync map=m\n');
    expect(out).toMatch(/≠ +<PROTECTION_PAGEm:\[1,2\)/);
    expect(pinless(['conform', path, '--level', 'P']).status).toBe(0);
    const json = JSON.parse(pinless(['conform', path, '--json']).out) as Record<string, unknown>;
    expect(json).toMatchObject({
      programs: 1,
      levels: { L1: { pass: 0, of: 1 }, L4: { pass: 1, of: 1 } },
      steps: { L1: { pass: 6, of: 7 } },
      failures: [
        { name: '0002-ext4', level: 'L1', step: 3, do: 'fsync map=m', expected: [] },
        { level: 'L2' },
        { level: 'L3' },
      ],
    });
  });

  it('reads bundles that pinless pack makes, whatever they are compressed with', () => {
    const bundles = join(folder, 'bundles');
    expect(
      pinless(['pack', file('0003-xfs.json', JSON.stringify({ ...record(), name: '0003-xfs' })), '--out', bundles])
        .status,
    ).toBe(0);
    expect(readdirSync(bundles)).toEqual(['xfs.jsonl.br']);
    const { status, out } = pinless(['conform', bundles, '--kind', 'xfs']);
    expect([status, out]).toEqual([0, expect.stringMatching(/xfs +│ 1 /)]);
  });

  it('counts a program that it cannot read as one that differs, and goes on', () => {
    const recording = record();
    const strange = { ...recording, name: '0004-ext4', program: ['fly map=m', ...recording.program.slice(1)] };
    const path = file('0004-ext4.jsonl', `${JSON.stringify(recording)}\n${JSON.stringify(strange)}\n`);
    const { status, out } = pinless(['conform', path]);
    expect([status, out]).toEqual([1, expect.stringMatching(/stopped: line 1, column 1: there is no op "fly"/)]);
    expect(out).toMatch(/ext4 +│ 2 +│ 1 \(50 %\)/);
  });

  it.each<[string, string | Buffer]>([
    ['text.json', '{}'],
    ['null.json', 'null'],
    ['half.json', '{"name": "x", "prog'],
    ['steps.json', '{"name": "x", "program": ["sync"], "steps": [{}], "final": {}}'],
    ['cut.jsonl.br', brotliCompressSync('{"name": "x"}').subarray(0, 5)],
    ['cut.json.gz', 'no gzip'],
  ])('refuses %s, and says which file it is', (name, content) => {
    const { status, out, err } = pinless(['conform', file(name, content)]);
    expect([status, out, err]).toEqual([2, '', expect.stringMatching(new RegExp(`^pinless: .*${name}: .*\n$`))]);
  });

  it('refuses a path and a kind without recordings', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    for (const args of [
      ['conform', join(folder, 'nowhere')],
      ['conform', empty],
      ['pack', empty, '--out', folder],
      ['conform', file('0005-ext4.json', JSON.stringify(record())), '--kind', 'ext4,ext5'],
    ]) {
      const { status, out, err } = pinless(args);
      expect([status, out, err]).toEqual([2, '', expect.stringMatching(/^pinless: .*(no such file|no recordings)/)]);
    }
  });
});

describe('pinless fuzz', () => {
  it('writes programs, the same for the same seed, and runs them', () => {
    const out = join(folder, 'programs');
    const { status, out: text } = pinless(['fuzz', '--kind', 'ext4', '--count', '3', '--seed', '5', '--out', out]);
    expect([status, text]).toEqual([0, expect.stringMatching(/^ext4: 3 programs, 0 failed/)]);
    expect(readdirSync(out)).toHaveLength(3);
    const [first] = readdirSync(out);
    expect(pinless(['fuzz', '--count', '1', '--seed', '5', '--print']).out).toContain(
      readFileSync(join(out, first), 'utf8'),
    );
  });
});
