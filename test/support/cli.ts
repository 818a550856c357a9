import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ran, ran } from './child.js';

/** Where what was built is. */
export const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../dist');

/** The command as it was built: its threads run what was built, too. */
export function pinless(...args: string[]): Ran {
  return ran(process.execPath, [join(DIST, 'src/cli/main.js'), ...args]);
}
