import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where what was built is. */
export const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../dist');

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command as it was built: its threads run what was built, too. */
export function pinless(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, 'src/cli/main.js'), ...args], {
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}
