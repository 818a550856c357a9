import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ran } from '../support/child.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A project of somebody else, in which the built package is installed. */
const project = mkdtempSync(join(tmpdir(), 'pinless-consumer-'));

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist/src/testing/index.js'))) throw new Error('dist is missing: npm run build');
  cpSync(join(ROOT, 'test/fixtures/consumer'), project, { recursive: true });
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(ROOT, join(project, 'node_modules/pinless'));
  for (const name of ['@jest', '@types', 'expect']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  }
});

afterAll(() => {
  rmSync(project, { recursive: true });
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function run(...args: string[]): { readonly status: number | null; readonly out: string } {
  const { status, out, err } = ran(process.execPath, args, { cwd: project });
  return { status, out: out + err };
}

function jest(test: string, config: object): ReturnType<typeof run> {
  const file = join(project, 'jest.config.json');
  writeFileSync(file, JSON.stringify({ testMatch: ['**/*.test.mjs'], transform: {}, ...config }));
  const bin = join(ROOT, 'node_modules/jest/bin/jest.js');
  return run('--experimental-vm-modules', '--no-warnings', bin, '--config', file, test);
}

describe('pinless/testing', () => {
  it('extends the global expect where Jest has one', () => {
    const { status, out } = jest('global', {});
    expect(out).toMatch(/✓ the global expect has the matchers/);
    expect(out).toMatch(/✕ fails as it should[^]*expect\(device_write\)\.toHappenBefore\(device_map\)/);
    expect(out).toMatch(/The first comes after the second\.[^]*second > .*device_map hmm_dmirror0/);
    expect(out).toMatch(/> 13 \| {3}expect\(page\.first\('device_write'\)\)/);
    expect(status).toBe(1);
  });

  it('extends the expect of @jest/globals where Jest injects none', () => {
    const { status, out } = jest('imported', { injectGlobals: false });
    expect(out).toMatch(/✓ an expect that is imported is given the matchers/);
    expect(status).toBe(0);
  });

  it('proves what docs/testing.md shows', () => {
    const shown = /<!-- test\/fixtures\/consumer\/ordering\.test\.mjs -->\s*```js\n(.*?)```/s.exec(
      read('docs/testing.md'),
    );
    expect(shown?.[1]).toBe(read('test/fixtures/consumer/ordering.test.mjs'));
    const { status, out } = jest('ordering', {});
    expect(out).not.toMatch(/✕|●/);
    expect(status).toBe(0);
  });

  it('is imported without Jest', () => {
    const program = "import { traceOf } from 'pinless/testing'; console.log(typeof traceOf);";
    expect(run('--input-type=module', '--eval', program)).toEqual({ status: 0, out: 'function\n' });
  });

  it.each([
    ['the global expect', "import { traceOf } from 'pinless/testing';", ['jest', 'node']],
    [
      '@jest/globals',
      "import { expect, it } from '@jest/globals'; import { traceOf } from 'pinless/testing';",
      ['node'],
    ],
  ])('has its matchers typed: %s', (_what, imports, types) => {
    const lines = [
      imports,
      "import { createWorld } from 'pinless';",
      "it('is typed', () => {",
      '  const trace = traceOf(createWorld());',
      "  const range = trace.page(0).range({ event: 'CLEAR' });",
      '  expect(trace.page(0)).not.toHaveNoAccessBetween(range.returned, range.end);',
      "  expect(trace.notifier()).toMatchMarbles('S1|', { frame: 1, S1: { event: 'UNMAP' } });",
      '  // @ts-expect-error a range is no event',
      '  expect(trace).toHaveNoAccessBetween(range, range.end);',
      '  // @ts-expect-error a number does not happen',
      '  expect(7).toHappenBefore(range);',
      '});',
    ];
    writeFileSync(join(project, 'types.ts'), lines.join('\n'));
    const compilerOptions = {
      ...{ target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', strict: true, noEmit: true },
      ...{ types, skipLibCheck: true, experimentalDecorators: true },
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    expect(run(join(ROOT, 'node_modules/typescript/bin/tsc'))).toEqual({ status: 0, out: '' });
  });
});
