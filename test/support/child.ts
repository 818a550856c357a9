import { spawnSync } from 'node:child_process';

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a command to its end, as somebody with a plain terminal does. Jest tells its workers to print in
 * colours where it does so itself (FORCE_COLOR), and a child would do so too: then what it says depends on who looks.
 */
export function ran(
  command: string,
  args: readonly string[],
  from: { readonly cwd?: string; readonly input?: string } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, {
    ...from,
    env: { ...process.env, FORCE_COLOR: '0' },
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}
