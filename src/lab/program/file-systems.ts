import { Btrfs, Ext4, Xfs, type BlockDevice, type FileSystem } from '../../fs/index.js';
import type { MmSystem } from '../../mm/index.js';
import type { MapKind } from './op-table.js';

/** How the file systems of a program are mounted, by the kind of a mapping. */
export const FILE_SYSTEMS: { readonly [K in MapKind]?: (system: MmSystem, device: BlockDevice) => FileSystem } = {
  ext4: (system, device) => new Ext4(system, device),
  xfs: (system, device) => new Xfs(system, device),
  btrfs: (system, device) => new Btrfs(system, device),
};
