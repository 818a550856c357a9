/** btrfs: copy-on-write, checksums, delayed allocation in ordered extents. */
export { Btrfs } from './btrfs.js';
