import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { messageOf } from '../engine/index.js';
import { dependencyOn, filesOfNewDriver } from './driver-template.js';
import { BUILT_IN_NAMES } from './load-drivers.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

/** Where pinless is installed. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[/\\]$/, '');

/** What a manifest's name may be, and a class can be named after. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const LONGEST_NAME = 64;

interface Typed {
  readonly device?: true;
  readonly nic?: true;
}

/**
 * `pinless new-driver`.
 * @param finish told the exit status
 */
export function newDriverCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('new-driver')
    .summary('begin a driver of your own: a package that passes, to be changed')
    .description(
      'Writes a package into ./<name>: a small driver, its tests with pinless/testing, and a README with the steps.',
    )
    .argument('<name>', 'lower case letters, digits and dashes')
    .option('--device', 'a device with shared virtual memory, a fault queue and a driver of its own (default)')
    .option('--nic', 'a driver for the emulated NIC, with on-demand paging')
    .action((name: string, typed: Typed) => {
      output.out(newDriver(name, typed));
      finish(0);
    });
}

/** Writes the package. @returns what to type next */
function newDriver(name: string, { device, nic }: Typed): string {
  if (device === true && nic === true) throw new UsageError('new-driver: --device and --nic are two kinds: take one');
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    throw new UsageError(
      `new-driver: a name has lower case letters, digits and single dashes, begins with a letter and is at most ` +
        `${String(LONGEST_NAME)} characters long, not "${name}"`,
    );
  }
  if (BUILT_IN_NAMES.includes(name)) throw new UsageError(`new-driver: "${name}" is a driver that comes with pinless`);
  // A package does not find another one of its own name.
  if (name === 'pinless') throw new UsageError('new-driver: "pinless" is the package that a driver depends on');
  const folder = resolve(name);
  if (existsSync(folder)) throw new UsageError(`new-driver: ./${name} is there already`);
  const files = filesOfNewDriver(ROOT, nic === true ? 'nic' : 'device', name, dependencyOn(ROOT, folder));
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  } catch (error) {
    throw new UsageError(`new-driver: cannot write ./${name}: ${messageOf(error)}`);
  }
  const paths = [...files.keys()].sort().map((path) => `  ${name}/${path}\n`);
  const next = [`cd ${name} && npm install`, 'npm test', `npx pinless check-driver ./src/${name}.ts`];
  return `${paths.join('')}\nNext:\n${next.map((command) => `  ${command}\n`).join('')}`;
}
