import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ran } from '../support/child.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const MAIN = join(ROOT, 'dist/src/cli/main.js');
const TIMEOUT = 180_000;

interface Said {
  readonly status: number | null;
  readonly out: string;
}

/** A folder of somebody, with what `npm install` puts into a package there, but from here. */
class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'pinless-template-'));

  run(within: string, command: string, ...args: string[]): Said {
    const { status, out, err } = ran(command, args, { cwd: join(this.folder, within) });
    return { status, out: out + err };
  }

  pinless(within: string, ...args: string[]): Said {
    return this.run(within, process.execPath, MAIN, ...args);
  }

  /** @returns the names of its dependencies */
  install(within: string): string[] {
    const modules = join(this.folder, within, 'node_modules');
    mkdirSync(join(modules, '@types'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules/.bin'), join(modules, '.bin'));
    const file = readFileSync(join(this.folder, within, 'package.json'), 'utf8');
    const { dependencies, devDependencies } = JSON.parse(file) as Record<string, Record<string, string>>;
    const names = Object.keys({ ...dependencies, ...devDependencies });
    for (const name of names) {
      symlinkSync(name === 'pinless' ? ROOT : join(ROOT, 'node_modules', name), join(modules, name));
    }
    return names;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

let project: Project;

beforeEach(() => {
  if (!existsSync(MAIN)) throw new Error('dist is missing: npm run build');
  project = new Project();
});

afterEach(() => {
  project.remove();
});

/** Small counts: what is written has tests of its own, with more. */
const FEW = ['--storms', '2', '--programs', '10'];

describe('examples/driver-template', () => {
  it(
    'passes as it lies there: its tests, but for the trial that check-driver makes',
    () => {
      cpSync(join(ROOT, 'examples/driver-template'), join(project.folder, 'template'), { recursive: true });
      expect(project.install('template')).toEqual(['pinless', '@types/jest', 'jest', 'typescript']);
      const tests = project.run('template', 'npm', 'test', '--', '-t', '^(memory|the fault queue|an invalidation)');
      expect(tests.out).toMatch(/^Tests: +\d+ skipped, 6 passed, \d+ total$/m);
      expect(tests.status).toBe(0);
      const verdict = project.pinless('template', 'check-driver', './src/my-device.ts', ...FEW);
      expect(verdict.out).toMatch(/^driver "my-device" \(.*\): passed$/m);
      expect(verdict.status).toBe(0);
    },
    TIMEOUT,
  );

  it(
    'has tests that notice when its driver is wrong',
    () => {
      cpSync(join(ROOT, 'examples/driver-template'), join(project.folder, 'template'), { recursive: true });
      project.install('template');
      const context = join(project.folder, 'template/src/my-context.ts');
      writeFileSync(
        context,
        readFileSync(context, 'utf8').replace('if (!notifier.readRetry(notifierSeq)) break;', 'break;'),
      );
      const tests = project.run('template', 'npm', 'test', '--', '-t', 'dontneed');
      expect(tests.out).toMatch(/✕ dontneed: madvise\(MADV_DONTNEED\) takes a page that the device writes/);
      expect(tests.out).toMatch(/rule R2 broken by device/);
      expect(tests.status).not.toBe(0);
    },
    TIMEOUT,
  );
});

describe('what pinless new-driver writes', () => {
  it.each([
    ['fire-gpu', '--device'],
    ['fast-roce', '--nic'],
  ])(
    '%s %s: all of its tests pass',
    (name, kind) => {
      expect(project.pinless('.', 'new-driver', name, kind).status).toBe(0);
      project.install(name);
      const tests = project.run(name, 'npm', 'test');
      expect(tests.out).toMatch(/^Tests: +\d+ passed, \d+ total$/m);
      expect(tests.status).toBe(0);
    },
    TIMEOUT,
  );
});
