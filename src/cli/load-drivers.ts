import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../engine/index.js';
import type { DriverPlugin } from '../../devices/contract/index.js';
import { odp } from '../../devices/odp/index.js';
import { pinned } from '../../devices/pinned/index.js';
import { UsageError } from './usage-error.js';

/** Drivers that come with pinless, by the name that `--drivers` takes. */
export const BUILT_IN_DRIVERS: readonly DriverPlugin[] = [pinned, odp];

/**
 * The drivers of a comma-separated list: built-in names, paths of JavaScript modules, or package names. A module exports
 * its plugin as the default.
 */
export async function loadDrivers(list: string): Promise<DriverPlugin[]> {
  const plugins: DriverPlugin[] = [];
  for (const name of list.split(',').map((part) => part.trim())) {
    if (name === '') throw new UsageError(`--drivers takes names with a comma between two, not "${list}"`);
    if (plugins.some(({ manifest }) => manifest.name === name)) throw new UsageError(`--drivers names "${name}" twice`);
    const builtIn = BUILT_IN_DRIVERS.find(({ manifest }) => manifest.name === name);
    plugins.push(builtIn ?? (await importPlugin(name)));
  }
  return plugins;
}

async function importPlugin(name: string): Promise<DriverPlugin> {
  const isPath = name.startsWith('.') || name.includes('/') || existsSync(name);
  const known = BUILT_IN_DRIVERS.map(({ manifest }) => manifest.name).join(', ');
  let exported: unknown;
  try {
    exported = await import(isPath ? pathToFileURL(resolve(name)).href : name);
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && !isPath
        ? 'there is no such package'
        : messageOf(error);
    throw new UsageError(`--drivers: "${name}" is none of ${known}, and cannot be loaded as a module: ${why}`);
  }
  const plugin = (exported as { readonly default?: unknown }).default;
  if (!isPlugin(plugin)) {
    throw new UsageError(
      `--drivers: the default export of "${name}" is no driver plugin: pinless exports ` +
        'driverPlugin(manifest, create), which makes one',
    );
  }
  return plugin;
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
