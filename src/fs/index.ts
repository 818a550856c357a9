/**
 * Floor 3. Files: inodes, the page cache's reads and writes, writeback, file-system models, the disk.
 *
 * The order of writeback is in writeback.ts and is the same for all; what differs between file systems is in one class
 * each. Nothing here knows of devices, processes or system calls.
 */
export { BlockDevice, SECTOR_SIZE } from './block-device.js';
export { HOLE } from './block-map.js';
export { Btrfs } from './btrfs/index.js';
export { readFromPageCache } from './buffered-read.js';
export { writeToPageCache, type WriteData } from './buffered-write.js';
export { CLOUD_SSD, DISK_PROFILES, HDD, NVME, RECORDED, type DiskProfile } from './disk-profile.js';
export { Ext4 } from './ext4.js';
export { Ext4Dax } from './dax/ext4-dax.js';
export { FileSystem } from './file-system.js';
export { Flusher, LINUX_WRITEBACK_TIMERS, type WritebackTimers } from './flusher.js';
export { Hugetlbfs } from './hugetlbfs/hugetlbfs.js';
export { Inode } from './inode.js';
export { fsync, type FsyncCost } from './sync.js';
export { type FsComplaint } from './super-block.js';
export { Shmem, Tmpfs } from './tmpfs/index.js';
export { truncate } from './truncate.js';
export { type PageRange, type WritebackCost } from './writeback.js';
export { Xfs } from './xfs.js';
export { allocateBuffer, directIoWithMemory, directRead, directWrite, freeBuffer } from './direct-io.js';
export { fallocate, type FallocateMode } from './fallocate.js';
export { freezeSuper, thawSuper } from './freeze.js';
export { invalidateMappingPages } from './invalidate.js';
export { msync } from './msync.js';
export { reflink } from './reflink.js';
export { syncFilesystem, syncfs, writebackFilesystem } from './sync-filesystem.js';
export { fadviseDontneed, syncFileRange, type SyncFileRangeFlag } from './sync-range.js';
