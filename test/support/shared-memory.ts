import { ContainerModule } from 'inversify';
import { PAGE_SIZE } from '../../src/base/index.js';
import { BlockDevice, FileSystem, Shmem, type Inode } from '../../src/fs/index.js';
import { MmSystem } from '../../src/mm/index.js';
import { Machine, address } from './machine.js';

const SHMEM = new ContainerModule(({ rebind }) => {
  rebind(FileSystem).toDynamicValue((context) => new Shmem(context.get(MmSystem), context.get(BlockDevice)));
});

/** A machine whose files are shared anonymous memory, with one of 4 MiB. */
export class SharedMemoryMachine extends Machine {
  readonly inode: Inode;

  constructor() {
    super({ memory: 32 * 2 ** 20, modules: [SHMEM] });
    this.inode = this.file(1024, 'hole');
  }

  /** Sizes of the folios that hold pages [first, first + 512) of the memory, one after another; 0: no page. */
  foliosOf(first: number): number[] {
    const { frames } = this.memory;
    const sizes: number[] = [];
    for (let index = first; index < first + 512; index += Math.max(1, sizes[sizes.length - 1])) {
      const frame = this.inode.mapping.pages.get(index);
      sizes.push(frame === 0 ? 0 : frames.pages(frames.folioOf(frame)));
    }
    return sizes;
  }

  /** Whether the block around a page is mapped by a huge entry, by a page table, or not at all. */
  tableOf(page: number, mm = this.mm): 'huge' | 'small' | 'none' {
    const number = address(page) / PAGE_SIZE;
    if (mm.pageTable.huge(number) !== 0) return 'huge';
    return mm.pageTable.leaf(number) === null ? 'none' : 'small';
  }
}
