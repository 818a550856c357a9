import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UsageError } from './usage-error.js';

/** What is written: the driver of a NIC, or a device that brings its driver along. */
export type DriverKind = 'device' | 'nic';

/** A template: folders, of which a later one replaces files of those before, and the names that stand for the user's. */
interface Template {
  readonly folders: readonly string[];
  readonly description: string;
  readonly names: (name: string, className: string) => readonly (readonly [from: string, to: string])[];
}

const TEMPLATES: Readonly<Record<DriverKind, Template>> = {
  device: {
    folders: ['driver-template'],
    description: 'A model of a device with its own driver, for pinless',
    names: (name, className) => [
      ['my-device', name],
      ['my-context', `${name}-context`],
      ['MyDevice', `${className}Device`],
      ['MyContext', `${className}Context`],
    ],
  },
  nic: {
    folders: ['driver-template', 'nic-driver-template'],
    description: 'A model of a NIC driver, for pinless',
    names: (name, className) => [
      ['my-driver', name],
      ['my-region', `${name}-region`],
      ['MyDriver', `${className}Driver`],
      ['MyRegion', `${className}Region`],
      ['my-device', name],
    ],
  },
};

/** What every kind takes from the first folder; of source and tests only the last folder's are taken. */
const COMMON = ['package.json', 'tsconfig.json'];

/**
 * A new driver's package: paths within it, and what is in them.
 *
 * @param root where pinless is installed: the templates are there
 * @param dependency how the new package depends on pinless, for its package.json
 * @throws UsageError for a name by which a class or a file would be called as another one is
 */
export function filesOfNewDriver(
  root: string,
  kind: DriverKind,
  name: string,
  dependency: string,
): Map<string, string> {
  const { folders, description, names } = TEMPLATES[kind];
  const renames = names(name, classNameOf(name));
  const table = new Map(renames);
  const known = new RegExp([...table.keys()].join('|'), 'g');
  const rename = (text: string): string => text.replace(known, (from) => table.get(from) ?? from);
  const files = new Map<string, string>();
  for (const [path, text] of sourcesOf(root, folders)) {
    for (const [from, to] of renames) {
      if (/^[A-Z]/.test(to) && from !== to && new RegExp(`\\b${to}\\b`).test(text)) {
        throw new UsageError(
          `new-driver: "${name}" would make a class ${to}, and there is one already: take another name`,
        );
      }
    }
    const renamed = rename(path);
    if (files.has(renamed)) {
      throw new UsageError(
        `new-driver: "${name}" would make a file ${renamed}, and there is one already: take another name`,
      );
    }
    files.set(renamed, rename(text));
  }
  files.set('package.json', manifest(files.get('package.json') ?? '{}', description, dependency));
  files.set('.gitignore', 'node_modules/\ndist/\n');
  return files;
}

/**
 * How a package in `folder` depends on the copy of pinless at `root`: by its path if that is a checkout, else as the package
 * does in whose node_modules it is, else by its version.
 */
export function dependencyOn(root: string, folder: string): string {
  const local = (path: string): string => `file:${relative(folder, path).replaceAll('\\', '/')}`;
  if (basename(dirname(root)) !== 'node_modules') return local(root);
  const user = dirname(dirname(root));
  const { dependencies = {}, devDependencies = {} } = readManifest(join(user, 'package.json'));
  const asTheirs = dependencies.pinless ?? devDependencies.pinless;
  if (asTheirs === undefined) return `^${readManifest(join(root, 'package.json')).version ?? '0.0.0'}`;
  return asTheirs.startsWith('file:') ? local(resolve(user, asTheirs.slice('file:'.length))) : asTheirs;
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string | undefined>>;
  readonly devDependencies?: Readonly<Record<string, string | undefined>>;
}

/** A package.json; nothing if there is none, as in the cache of npx. */
function readManifest(path: string): Manifest {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    return {};
  }
}

function manifest(template: string, description: string, dependency: string): string {
  const { dependencies, ...rest } = JSON.parse(template) as Manifest & Readonly<Record<string, unknown>>;
  const all = { ...rest, description, dependencies: { ...dependencies, pinless: dependency } };
  return `${JSON.stringify(all, null, 2)}\n`;
}

/** The files of a template by their paths. */
function sourcesOf(root: string, folders: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    const base = join(root, 'examples', folder);
    const isLast = folder === folders.at(-1);
    for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      const path = relative(base, file).replaceAll('\\', '/');
      if (!entry.isFile() || /^(node_modules|dist)\//.test(path) || !(isLast || COMMON.includes(path))) continue;
      files.set(path, readFileSync(file, 'utf8'));
    }
  }
  return files;
}

/** "fire-gpu" is FireGpu; what the template appends is not there twice: "fire-device" is Fire. */
function classNameOf(name: string): string {
  const pascal = name.replace(/(?:^|-)([a-z0-9])/g, (_match, first: string) => first.toUpperCase());
  return /^(.+)(?:Device|Driver)$/.exec(pascal)?.[1] ?? pascal;
}
