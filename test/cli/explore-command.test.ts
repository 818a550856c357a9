import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIST, pinless } from '../support/cli.js';

interface Report {
  readonly scenario: string;
  readonly complete: boolean;
  readonly failures: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly failure: { readonly rule: string | null; readonly contextSwitches: number } | null;
}

let folder: string;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinless-explore-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The ODP driver with something else in its place. */
function variation(name: string, members: string): string {
  return file(
    `${name}.mjs`,
    `import { OdpDriver, driverPlugin } from '${join(DIST, 'src/index.js')}';
     let calls = 0;
     class Variation extends OdpDriver { ${members} }
     export default driverPlugin(
       { name: '${name}', title: '${name}', onDemandPaging: true },
       (hardware, kernel) => new Variation(hardware, kernel),
     );`,
  );
}

/** A driver that does not look whether what it read still holds. */
function careless(): string {
  return variation('careless', 'isCurrent() { return true; }');
}

/** Two tasks that add one to a variable, and do not mind each other. */
function lostUpdate(): string {
  return file(
    'lost-update.ts',
    `interface Cell { get(): number; set(value: number): void }
     interface Stage { shared(name: string, value: number): Cell; task(name: string, task: Generator<number, void>): void }
     export default function lostUpdate(stage: Stage) {
       const x = stage.shared('x', 0);
       function* increment(): Generator<number, void> {
         const value = x.get();
         yield 0;
         x.set(value + 1);
       }
       stage.task('one', increment());
       stage.task('other', increment());
       return () => {
         if (x.get() !== 2) throw new Error('an update was lost');
         return x.get();
       };
     }`,
  );
}

describe('pinless explore', () => {
  it('runs a race of a driver under every schedule', () => {
    const { status, out } = pinless('explore', 'odp', 'fsync');
    expect([status, out]).toEqual([0, expect.stringContaining('fsync cleans a page of a file that the device writes')]);
    expect(out).toMatch(/fsync \(dpor\): \d+ executions, .* every schedule, up to the order of steps/);
  });

  it('says all of it to programs', () => {
    const [report] = JSON.parse(pinless('explore', 'mirror', 'exit', '--json').out) as Report[];
    expect(report).toMatchObject({ scenario: 'exit', complete: true, failures: 0, failure: null });
    expect(Object.keys(report.outcomes)).toEqual(['0 0']);
  });

  it('shows the shortest schedule that breaks a driver, and how to see it again', () => {
    const driver = careless();
    const { status, out } = pinless('explore', driver, 'fault');
    expect(status).toBe(1);
    expect(out).toContain('fails after 12 steps and 6 context switches (no fewer will do):');
    expect(out).toContain('rule R2 broken by driver "odp" of device');
    expect(out).toContain(`again: pinless explore ${driver} fault\n`);
  });

  it('keeps a schedule that fails, and replays it', () => {
    const [scenario, kept] = [lostUpdate(), join(folder, 'kept.json')];
    const first = pinless('explore', scenario, '--save', kept);
    expect([first.status, first.out]).toEqual([1, expect.stringContaining(`--replay ${kept}`)]);
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
      scenario: 'lostUpdate',
      failure: 'an update was lost',
    });
    const again = pinless('explore', scenario, '--replay', kept);
    expect([again.status, again.out]).toEqual([
      1,
      expect.stringMatching(/lostUpdate \(replay\): 1 execution, 4 steps/),
    ]);
  });

  it('finds a race by the name that a kept schedule gives it', () => {
    const [driver, kept] = [careless(), join(folder, 'fault.json')];
    pinless('explore', driver, 'fault', '--save', kept, '--no-shrink');
    const { status, out } = pinless('explore', driver, '--replay', kept);
    expect([status, out]).toEqual([1, expect.stringContaining('fault (replay): 1 execution')]);
  });

  it('says how much was covered when it is told to stop', () => {
    const { status, out } = pinless('explore', 'odp', 'fork', '--executions', '50');
    expect([status, out]).toEqual([0, expect.stringContaining('stopped after 50 executions, short of every schedule')]);
  });

  it.each([
    [['odp', 'nope'], 'explore: [race] takes one of dontneed, fault,'],
    [['odp', '--search', 'clever'], '--search takes one of dpor, states,'],
    [['odp', '--executions', '0'], '--executions takes a whole number from 1'],
    [['odp', '--replay', 'nowhere.json'], '--replay: "nowhere.json" cannot be used'],
    [['nothing-of-that-name'], 'there is no such package'],
    [['faulty-f20', 'reap', '--save', 'no/such/folder/kept.json'], '--save: cannot write "no/such/folder/kept.json"'],
  ])('refuses %j in one line', (args, message) => {
    const { status, err } = pinless('explore', ...args);
    expect([status, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err.split('\n')).toHaveLength(2);
  });

  it('says of a driver that does not do the same each time that nothing can be said', () => {
    const driver = variation(
      'fickle',
      '*pageFault(fault) { if (calls++ % 3 === 0) yield 0; yield* super.pageFault(fault); }',
    );
    const { status, err } = pinless('explore', driver, 'fault');
    expect([status, err]).toEqual([2, expect.stringContaining('does not do the same')]);
  });

  it('does not call it success when no schedule comes to an end', () => {
    const driver = variation('spinning', '*pageFault() { for (;;) yield 0; }');
    const { status, out } = pinless('explore', driver, 'fault');
    expect([status, out]).toEqual([
      1,
      expect.stringMatching(/; \d+ executions? given up after 10,000 steps and not looked at any further/),
    ]);
  });

  it('refuses a schedule that does not fit', () => {
    const kept = join(folder, 'other.json');
    pinless('explore', lostUpdate(), '--save', kept);
    const other = JSON.parse(readFileSync(kept, 'utf8')) as Record<string, unknown>;
    writeFileSync(kept, JSON.stringify({ ...other, turns: [['5', 3]] }));
    const { status, err } = pinless('explore', lostUpdate(), '--replay', kept);
    expect([status, err]).toEqual([
      2,
      expect.stringContaining('pinless: explore: lostUpdate: the schedule does not fit'),
    ]);
  });
});
