import type { ThpPolicy } from '../../mm/index.js';
import { Tmpfs } from './tmpfs.js';

/** The kernel's own mount of tmpfs, whose files are shared anonymous memory. */
export class Shmem extends Tmpfs {
  override hugePolicy(): ThpPolicy {
    return this.system.shmemThp;
  }
}
