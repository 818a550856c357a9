/** Files that live in memory only, and shared anonymous memory, after mm/shmem.c. */
export { Shmem } from './shmem.js';
export { Tmpfs } from './tmpfs.js';
