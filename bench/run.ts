import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { s1 } from './s1-event-kernel.js';
import { s2 } from './s2-emission.js';
import { s3 } from './s3-barrier.js';
import { s4 } from './s4-write.js';
import { s5 } from './s5-compare.js';
import { s6 } from './s6-resident.js';
import { s7 } from './s7-conform.js';
import { s8 } from './s8-explore.js';

/** Each runs in a process of its own: what one teaches the compiler must not help or harm the next. */
const CASES: Readonly<Partial<Record<string, () => unknown>>> = {
  S1: s1,
  S2: s2,
  S3: s3,
  S4: s4,
  S5: s5,
  S6: s6,
  S7: s7,
  S8: s8,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => CASES[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(CASES).join(', ')}`);

if (process.env.PINLESS_BENCH_CHILD === '1') {
  const result = await CASES[wanted[0]]?.();
  process.stdout.write(`${JSON.stringify([result].flat())}\n`);
} else {
  const names = wanted.length === 0 ? Object.keys(CASES) : wanted;
  const results = names.flatMap((name) => {
    const child = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), name], {
      env: { ...process.env, PINLESS_BENCH_CHILD: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    if (child.status !== 0) throw new Error(`benchmark ${name} ended with status ${String(child.status)}`);
    return JSON.parse(child.stdout) as unknown[];
  });
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
}
