import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { messageOf } from '../engine/index.js';
import { capabilitiesOf, pluggedIn, type DriverPlugin, type PluggedIn } from '../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';
import { mirror } from '../../devices/mirror/index.js';
import { odp } from '../../devices/odp/index.js';
import { pinned } from '../../devices/pinned/index.js';
import { keepProcess } from './keep-process.js';
import { UsageError } from './usage-error.js';

/** Drivers and devices that come with pinless, by the names that options take. */
const BUILT_IN: readonly DriverPlugin[] = [pinned, odp, mirror];

export const BUILT_IN_NAMES: readonly string[] = BUILT_IN.map(({ manifest }) => manifest.name);

/**
 * The drivers of a comma-separated list: built-in names, paths of JavaScript or TypeScript modules, or package names. A
 * module exports its plugin as the default.
 */
export async function loadDrivers(list: string): Promise<DriverPlugin[]> {
  const plugins: DriverPlugin[] = [];
  for (const name of list.split(',').map((part) => part.trim())) {
    if (name === '') throw new UsageError(`--drivers takes names with a comma between two, not "${list}"`);
    if (plugins.some(({ manifest }) => manifest.name === name)) throw new UsageError(`--drivers names "${name}" twice`);
    plugins.push(await loadDriver('--drivers', name));
  }
  return plugins;
}

/** One driver of a NIC. @param option how the user gave it, for messages */
export async function loadDriver(option: string, name: string): Promise<DriverPlugin> {
  const known = BUILT_IN.filter((plugin) => pluggedIn(plugin).kind === 'nic-driver').map(
    ({ manifest }) => manifest.name,
  );
  const plugin = await loadPlugin(option, name, known);
  if (kindOf(option, name, plugin) === 'nic-driver') return plugin;
  throw new UsageError(
    `${option}: "${name}" is a device with a driver of its own, and no driver of a NIC, which is needed here: ` +
      'pinless check-driver tries it',
  );
}

/**
 * One plugin, of whatever kind.
 * @param option how the user gave it, for messages
 * @param known names that would do, for messages
 */
export async function loadPlugin(option: string, name: string, known = BUILT_IN_NAMES): Promise<DriverPlugin> {
  const exported = await loadDefault(option, name, known);
  if (isPlugin(exported)) return checked(option, name, exported);
  throw new UsageError(
    `${option}: the default export of "${name}" is no driver plugin: pinless exports ` +
      'driverPlugin(manifest, create) and devicePlugin(manifest, create), which make one',
  );
}

/** A plugin, or a scenario: what can be run under every schedule. */
export type Explored = DriverPlugin | ((stage: never) => unknown);

/** What can be explored. @param option how the user gave it, for messages */
export async function loadExplored(option: string, name: string): Promise<Explored> {
  const exported = await loadDefault(option, name);
  if (typeof exported === 'function') return exported as (stage: never) => unknown;
  if (isPlugin(exported)) return checked(option, name, exported);
  throw new UsageError(
    `${option}: the default export of "${name}" is neither a driver plugin, as driverPlugin(manifest, create) and ` +
      'devicePlugin(manifest, create) of pinless make one, nor a scenario, which is a function',
  );
}

/** A built-in plugin, or what a module exports as its default. */
async function loadDefault(option: string, name: string, known = BUILT_IN_NAMES): Promise<unknown> {
  const builtIn = [...BUILT_IN, ...FAULTY_DRIVERS.map(({ plugin }) => plugin)].find(
    ({ manifest }) => manifest.name === name,
  );
  if (builtIn !== undefined) return builtIn;
  if (isPath(name) && statSync(name, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new UsageError(`${option}: "${name}" is a folder: name the file in it that exports the driver`);
  }
  try {
    return ((await importModule(name)) as { readonly default?: unknown }).default;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && !isPath(name);
    const why = isMissing ? 'there is no such package' : messageOf(error);
    throw new UsageError(
      `${option}: "${name}" is none of ${known.join(', ')}, and cannot be loaded as a module: ${why}`,
    );
  }
}

function checked(option: string, name: string, plugin: DriverPlugin): DriverPlugin {
  kindOf(option, name, plugin);
  return plugin;
}

function kindOf(option: string, name: string, plugin: DriverPlugin): PluggedIn['kind'] {
  try {
    capabilitiesOf(plugin);
    return pluggedIn(plugin).kind;
  } catch (error) {
    throw new UsageError(`${option}: "${name}" cannot be used: ${messageOf(error)}`);
  }
}

function isPath(name: string): boolean {
  return name.startsWith('.') || name.includes('/') || existsSync(name);
}

/** Node runs TypeScript by itself from 22.18 on, and without types that are more than annotations; jiti runs all of it. */
async function importModule(name: string): Promise<unknown> {
  keepProcess();
  const file = resolve(name);
  if (/\.[cm]?tsx?$/.test(name)) return await createJiti(import.meta.url).import(file);
  return await import(isPath(name) ? pathToFileURL(file).href : name);
}

/** Another copy of pinless may have made it, so its shape counts, not its class. */
function isPlugin(value: unknown): value is DriverPlugin {
  if (typeof value !== 'object' || value === null) return false;
  const { manifest, module } = value as Partial<DriverPlugin>;
  return (
    typeof (module as { readonly load?: unknown } | undefined)?.load === 'function' &&
    /^[a-z0-9-]+$/.test(String(manifest?.name)) &&
    typeof manifest?.title === 'string' &&
    typeof manifest.onDemandPaging === 'boolean'
  );
}
