import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, ran } from '../support/child.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinless-new-driver-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function newDriver(args: readonly string[], root = ROOT): Ran {
  const main = join(root, 'dist/src/cli/main.js');
  return ran(process.execPath, [main, 'new-driver', ...args], { cwd: folder });
}

function text(...path: string[]): string {
  return readFileSync(join(folder, ...path), 'utf8');
}

function filesOf(name: string): string[] {
  return readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, name).length + 1))
    .sort();
}

describe('pinless new-driver', () => {
  it('writes a device with a driver of its own, and says what to type next', () => {
    const { status, out, err } = newDriver(['fire-gpu']);
    expect([status, err]).toEqual([0, '']);
    expect(filesOf('fire-gpu')).toEqual([
      '.gitignore',
      'README.md',
      'package.json',
      'src/device-mmu.ts',
      'src/fault-queue.ts',
      'src/fire-gpu-context.ts',
      'src/fire-gpu.ts',
      'test/fire-gpu.test.ts',
      'tsconfig.json',
    ]);
    expect(out.slice(out.indexOf('Next:'))).toBe(
      'Next:\n  cd fire-gpu && npm install\n  npm test\n  npx pinless check-driver ./src/fire-gpu.ts\n',
    );
  });

  it('writes a driver for the NIC', () => {
    expect(newDriver(['fast-roce', '--nic']).status).toBe(0);
    expect(filesOf('fast-roce')).toEqual([
      '.gitignore',
      'README.md',
      'package.json',
      'src/fast-roce-region.ts',
      'src/fast-roce.ts',
      'test/fast-roce.test.ts',
      'tsconfig.json',
    ]);
    expect(text('fast-roce', 'src/fast-roce.ts')).toMatch(/^export default driverPlugin\(\n {2}\{ name: 'fast-roce'/m);
  });

  it.each([['--device'], ['--nic']])('leaves none of the names of the template: %s', (kind) => {
    newDriver(['fire-gpu', kind]);
    for (const file of filesOf('fire-gpu')) {
      expect([file, text('fire-gpu', file)]).toEqual([file, expect.not.stringMatching(/\bmy-|\bMy[A-Z]/)]);
    }
  });

  it('names classes after the driver, and says Device once', () => {
    newDriver(['fire-gpu']);
    expect(text('fire-gpu', 'src/fire-gpu.ts')).toMatch(/^export class FireGpuDevice implements SvmDevice/m);
    newDriver(['ice-device']);
    expect(text('ice-device', 'src/ice-device.ts')).toMatch(/^export class IceDevice implements SvmDevice/m);
  });

  it('has a name that holds a name of the template replaced once', () => {
    newDriver(['my-context']);
    expect(filesOf('my-context')).toContain('src/my-context-context.ts');
    expect(text('my-context', 'src/my-context.ts')).toMatch(/from '\.\/my-context-context\.js'/);
  });

  it.each([
    [['Fire'], /a name has lower case letters, digits and single dashes, begins with a letter .*, not "Fire"$/],
    [['../x'], /, not "\.\.\/x"$/],
    [['3d'], /, not "3d"$/],
    [['a--b'], /, not "a--b"$/],
    [['x'.repeat(65)], /at most 64 characters long/],
    [['odp'], /"odp" is a driver that comes with pinless$/],
    [['pinless'], /"pinless" is the package that a driver depends on$/],
    [['svm'], /"svm" would make a class SvmContext, and there is one already: take another name$/],
    [['memory', '--nic'], /"memory" would make a class MemoryRegion, and there is one already/],
    [['fault-queue'], /"fault-queue" would make a file src\/fault-queue\.ts, and there is one already/],
    [['gpu', '--device', '--nic'], /--device and --nic are two kinds: take one$/],
  ])('refuses %j in one line, writes nothing, and ends with 2', (args, message) => {
    const { status, out, err } = newDriver(args);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(/^pinless: new-driver: [^\n]*\n$/);
    expect(err.trim()).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['folder', () => mkdirSync(join(folder, 'gpu'))],
    ['file', () => writeFileSync(join(folder, 'gpu'), '')],
  ])('refuses a %s that is there', (_what, make) => {
    make();
    expect(newDriver(['gpu'])).toEqual({ status: 2, out: '', err: 'pinless: new-driver: ./gpu is there already\n' });
  });

  describe('depends on pinless', () => {
    const dependency = (name: string): string => {
      const { dependencies } = JSON.parse(text(name, 'package.json')) as { dependencies: Record<string, string> };
      return dependencies.pinless;
    };

    it('by the path of a checkout', () => {
      newDriver(['gpu']);
      expect(dependency('gpu')).toMatch(/^file:/);
      expect(resolve(folder, 'gpu', dependency('gpu').slice('file:'.length))).toBe(ROOT);
    });

    /** What `npm install` has done in the folder, as far as it matters here. */
    function install(spec: string | null): string {
      const installed = join(folder, 'node_modules/pinless');
      for (const part of ['package.json', 'dist', 'examples']) {
        cpSync(join(ROOT, part), join(installed, part), { recursive: true });
      }
      for (const { name } of readdirSync(join(ROOT, 'node_modules'), { withFileTypes: true })) {
        if (name.startsWith('.')) continue;
        symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
      }
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify(spec === null ? {} : { dependencies: { pinless: spec } }),
      );
      return installed;
    }

    it.each([
      ['a version', '^0.1.0', '^0.1.0'],
      ['a tarball', 'file:pinless-0.1.0.tgz', 'file:../pinless-0.1.0.tgz'],
      ['nothing, as in the cache of npx', null, '^0.1.0'],
    ])('as the package does that it is installed in: %s', (_what, theirs, ours) => {
      newDriver(['gpu'], install(theirs));
      expect(dependency('gpu')).toBe(ours);
      expect(existsSync(join(folder, 'gpu/src/gpu.ts'))).toBe(true);
    });
  });
});
