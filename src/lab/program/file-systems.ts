import {
  Btrfs,
  Ext4,
  Ext4Dax,
  Hugetlbfs,
  Shmem,
  Tmpfs,
  Xfs,
  type BlockDevice,
  type FileSystem,
} from '../../fs/index.js';
import type { MmSystem } from '../../mm/index.js';
import type { MapKind } from './op-table.js';

type Mount = (system: MmSystem, device: BlockDevice) => FileSystem;

/** How the file systems of a program are mounted, by the kind of a mapping. */
export const FILE_SYSTEMS: Readonly<Partial<Record<MapKind, Mount>>> = {
  ext4: (system, device) => new Ext4(system, device),
  xfs: (system, device) => new Xfs(system, device),
  btrfs: (system, device) => new Btrfs(system, device),
  tmpfs: (system, device) => new Tmpfs(system, device),
  dax: (system, device) => new Ext4Dax(system, device),
  hugetlb: (system, device) => new Hugetlbfs(system, device),
  hugefile: (system, device) => new Hugetlbfs(system, device),
  shmem: (system, device) => new Shmem(system, device),
};
