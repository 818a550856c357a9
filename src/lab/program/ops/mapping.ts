import { PAGE_SIZE, Errno } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import { fsync, fadviseDontneed, writeToPageCache, type Inode } from '../../../fs/index.js';
import { VM_SHARED, mmap, mremap, munmap } from '../../../mm/index.js';
import { addressIn, type Area } from '../areas.js';
import { pattern } from '../pattern.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import type { ArgsOf, MapKind } from '../op-table.js';
import type { ProgramFile, ProgramWorld } from '../program-world.js';
import { madviseByName } from './advice.js';
import { PROT } from './prot.js';

/** mmap and munmap. */
export const mappingOps = {
  *map(world, args) {
    const area = world.areas.get(args.name);
    const file = yield* fileToMap(world, args);
    if (file !== null) world.fileOfArea.set(args.name, file);
    const mm = world.mmOf(args.proc);
    yield* mmap(mm, {
      address: area.start,
      length: args.pages * PAGE_SIZE,
      flags: PROT[args.prot] | (args.share === 'shared' ? VM_SHARED : 0),
      ...(file === null ? {} : { file: { file: file.inode, pgoff: args.offset } }),
    });
    reaches(area, args.pages);
    if (args.thp !== 'inherit') {
      const advice = args.thp === 'never' ? 'nohugepage' : 'hugepage';
      yield* madviseByName(mm, area.start, args.pages * PAGE_SIZE, advice);
    }
    return DONE;
  },

  *mmap_fixed(world, args) {
    const area = world.areas.get(args.map);
    const kind = args.kind ?? 'anon';
    const file =
      args.file !== undefined
        ? world.file(args.file)
        : kind === 'anon'
          ? null
          : yield* newFile(world, `${args.map} at ${String(args.first)}`, kind, args.pages, 'hole');
    yield* mmap(world.mmOf(args.proc), {
      address: addressIn(area, args.first),
      length: args.pages * PAGE_SIZE,
      flags: PROT[args.prot] | (args.share === 'shared' ? VM_SHARED : 0),
      ...(file === null ? {} : { file: { file: file.inode, pgoff: args.offset } }),
    });
    reaches(area, args.first + args.pages);
    return DONE;
  },

  *mremap(world, args) {
    const area = world.areas.get(args.map);
    const to = args.to === undefined ? {} : { to: addressIn(world.areas.get(args.to), args.to_first) };
    yield* mremap(
      world.mmOf(args.proc),
      addressIn(area, args.first),
      args.pages * PAGE_SIZE,
      args.new_pages * PAGE_SIZE,
      { ...to, dontunmap: args.dontunmap === 1 },
    );
    if (args.to === undefined) reaches(area, args.first + args.new_pages);
    else reaches(world.areas.get(args.to), args.to_first + args.new_pages);
    return DONE;
  },

  *munmap(world, args) {
    const area = world.areas.get(args.map);
    yield* munmap(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE);
    return DONE;
  },
} satisfies OpHandlers;

/** Something was mapped in an area, up to a page. */
function reaches(area: Area, page: number): void {
  area.pages = Math.max(area.pages, page);
}

/** The file that `map` names or makes; null for anonymous memory. */
function* fileToMap(world: ProgramWorld, args: ArgsOf<'map'>): Task<ProgramFile | null> {
  if (args.file !== undefined) return world.file(args.file);
  if (args.kind === undefined) throw new Errno('EINVAL', 'map needs kind= or file=');
  if (args.kind === 'anon') return null;
  const file = yield* newFile(world, args.name, args.kind, args.pages, args.content);
  world.files.set(args.name, file);
  return file;
}

/** A new file, filled as `content` says. */
function* newFile(
  world: ProgramWorld,
  name: string,
  kind: MapKind,
  pages: number,
  content: 'hole' | 'written' | 'cached',
): Task<ProgramFile> {
  const fs = world.fileSystem(kind);
  if (content === 'hole') return { name, kind, inode: fs.createFile(name, pages * PAGE_SIZE, 'hole') };
  const inode: Inode = fs.createFile(name, 0, 'hole');
  yield* writeToPageCache(inode, 0, pages * PAGE_SIZE, pattern(pages));
  yield* fsync(inode);
  if (content === 'written') yield* fadviseDontneed(inode);
  return { name, kind, inode };
}
