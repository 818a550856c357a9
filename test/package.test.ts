import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, ran } from './support/child.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const BIN = 'dist/src/cli/main.js';
const CAPTURE = 'captures/odp-write-ext4file-q4-4096.pcap';

/** What was built, run as a user runs it. */
function node(...args: string[]): Ran {
  return ran(process.execPath, args, { cwd: ROOT });
}

/** The first code block of a page behind a comment that says where it comes from. */
function shown(source: string, page = 'README.md'): string {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const block = new RegExp(`<!-- ${source.replaceAll('.', '\\.')} -->\\s*\`\`\`\\w+\\n(.*?)\`\`\``, 's').exec(text);
  if (block === null) throw new Error(`${page} shows nothing of "${source}"`);
  return block[1].trim();
}

beforeAll(() => {
  if (!existsSync(join(ROOT, BIN))) throw new Error(`${BIN} is missing: npm run build`);
});

describe('README.md', () => {
  it('shows what the main job prints', () => {
    const capture = 'captures/fio-librpma-file-1024.pcap';
    const { status, out } = node(BIN, 'compare', capture);
    expect(status).toBe(0);
    expect(shown(`pinless compare ${capture}`)).toBe(out.trim());
  });

  it('shows the example, and what it prints', () => {
    const example = 'examples/print-invalidations.mjs';
    expect(shown(example)).toBe(readFileSync(join(ROOT, example), 'utf8').trim());
    expect(shown(`node ${example}`)).toBe(node(example).out.trim());
  });

  it('says of how many recorded programs what docs/fidelity.md says', () => {
    const [read, fidelity] = ['README.md', 'docs/fidelity.md'].map((file) => readFileSync(join(ROOT, file), 'utf8'));
    const [, programs, agreeing] = /^\| \*\*all\*\* \| (\d+) \| (\d+)/m.exec(fidelity) ?? [];
    const grouped = (digits: string): string => Number(digits).toLocaleString('en');
    expect(read).toContain(`${grouped(programs)} programs that were recorded`);
    expect(read).toContain(`${grouped(agreeing)} of them have`);
  });
});

it('docs/exploration.md shows the example, and what it leads to', () => {
  const [example, page] = ['examples/every-schedule.mjs', 'docs/exploration.md'];
  expect(shown(example, page)).toBe(readFileSync(join(ROOT, example), 'utf8').trim());
  expect(shown(`pinless explore ${example}`, page)).toBe(node(BIN, 'explore', example).out.trim());
});

describe('a driver of somebody else', () => {
  const compare = (driver: string, ...options: string[]): ReturnType<typeof node> =>
    node(BIN, 'compare', CAPTURE, '--drivers', `./test/fixtures/drivers/${driver}.mjs`, ...options);

  it('gets a column', () => {
    const { status, out, err } = compare('ignores-nothing', '--json');
    expect([status, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({ columns: [{ driver: 'ignores-nothing', errors: 0, lostBytes: 0 }] });
  });

  // The message names the driver, the range or the fault, and the seed.
  it.each([
    ['throws', /driver "throws" threw in invalidate\(PROTECTION_PAGE \[0x\w+, 0x\w+\) of mm of 10\.77\.0\.2\): no/],
    ['never-releases', /waits for PROTECTION_PAGE \[0x\w+, 0x\w+\) of mm of 10\.77\.0\.2, held by "never-releases"/],
    [
      'releases-twice',
      /"releases-twice" released its hold on PROTECTION_PAGE \[0x\w+, 0x\w+\) of mm of 10\.77\.0\.2 twice/,
    ],
    [
      'fails-faults',
      /driver "fails-faults" threw in pageFault\(write fault of page 0 of rkey 0x1bc9 of 10\.77\.0\.2\): /,
    ],
    ['never-resumes', /driver "never-resumes" threw in pageFault\(.*\): it ended without hardware\.resume/],
    ['answers-later', /driver "answers-later" threw in invalidate\(.*\): it is async or a generator: /],
    ['forgets-to-count', /driver "forgets-to-count" threw in invalidate\(.*\): rule R4: it never called setSeq\(\d+\)/],
    ['registers-nothing', /driver "registers-nothing" threw in regMr\(\[0x\w+, 0x\w+\)\): it returned no region/],
    ['waits-for-nothing', /driver "waits-for-nothing" threw in pageFault\(.*\): a task waits for .*, not a moment/],
    [
      'keeps-translations',
      /rule R1 broken by driver "keeps-translations" of 10\.77\.0\.2 at .* translations? .* left, to frame \d+, /,
    ],
  ])('that is wrong stops the run: %s', (driver, message) => {
    const { status, out, err } = compare(driver, '--seed', '5');
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/\(seed 5\)/);
    expect(err).not.toMatch(/^ {4}at /m);
  });
});

it.each([
  [
    'that cannot be made',
    'does-not-start',
    /driver "does-not-start" threw in create\(10\.77\.0\.2\): no such hardware/,
  ],
  ['that never finishes loading', 'never-loads', /a module of --drivers never finished loading/],
])('a driver %s ends with status 2 and one line', (_what, driver, message) => {
  const { status, out, err } = node(BIN, 'compare', CAPTURE, '--drivers', `./test/fixtures/drivers/${driver}.mjs`);
  expect([status, out]).toEqual([2, '']);
  expect(err).toMatch(message);
  expect(err).not.toMatch(/^ {4}at /m);
});

it('a reader that goes away early is no error', () => {
  const command = `"${process.execPath}" ${BIN} compare ${CAPTURE} --json | head -c 1`;
  const { status, err } = ran('sh', ['-c', command], { cwd: ROOT });
  expect([status, err]).toEqual([0, '']);
});
