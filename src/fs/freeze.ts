import { Errno } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FileSystem } from './file-system.js';
import { syncFilesystem } from './sync-filesystem.js';

/**
 * freeze_super, ioctl(FIFREEZE): whoever wants to change a file of the file system waits from now on, in page_mkwrite for
 * one; then everything that is dirty goes to the disk. Readers go on.
 *
 * @throws Errno EBUSY if it is frozen
 */
export function* freezeSuper(fs: FileSystem): Task {
  if (!fs.writers.isOpen) throw new Errno('EBUSY', `${fs.traits.kind} is frozen`);
  fs.writers.close();
  yield* syncFilesystem(fs);
}

/** thaw_super, ioctl(FITHAW). @throws Errno EINVAL if it is not frozen */
export function thawSuper(fs: FileSystem): void {
  if (fs.writers.isOpen) throw new Errno('EINVAL', `${fs.traits.kind} is not frozen`);
  fs.writers.open();
}
