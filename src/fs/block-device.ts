import { PAGE_SIZE, type PageContents } from '../base/index.js';
import { Condition, SEC, type RandomStream, type Simulation, type Task } from '../engine/index.js';
import type { DiskProfile } from './disk-profile.js';

/** The unit that a disk writes as a whole or not at all, in bytes. */
export const SECTOR_SIZE = 512;
const SECTORS_PER_BLOCK = PAGE_SIZE / SECTOR_SIZE;

/** One block of a read, and the frame of memory that takes it. */
export interface BlockRead {
  readonly frame: number;
  readonly block: number;
}

/** One block of a write: a frame of memory to fetch and the block that takes it. */
interface BlockWrite {
  readonly block: number;
  readonly frame: number;
  readonly memory: PageContents;
  readonly done: () => void;
}

/** A block that only the cache has: where, and which of its sectors. */
interface CachedBlock {
  readonly slot: number;
  sectors: number;
}

/**
 * A disk of 4 KiB blocks with a volatile write cache.
 *
 * A write fetches memory sector by sector while it crosses the bus, so what changes under it is torn, as on a real one.
 * It completes when the cache has it; `flush` makes everything that has completed durable. What a power loss finds in
 * the cache survives sector by sector, or does not, by the seed.
 */
export class BlockDevice {
  /** What survives a power loss. */
  readonly media: PageContents;
  /** Blocks written since the start. */
  blocksWritten = 0;

  /** The volatile write cache: its slots hold blocks that the media do not have yet. */
  private readonly cache: PageContents;
  private readonly cached = new Map<number, CachedBlock>();
  private readonly freeSlots: number[] = [];
  /** Submitted and not begun: from `queueHead` on. */
  private queue: BlockWrite[] = [];
  private queueHead = 0;
  private readonly arrived: Condition;
  private readonly sectorTime: number;
  /** Sectors that are fetched from memory at one moment. */
  private readonly sectorsAtOnce: number;
  private started = false;
  /** Power losses: a transfer or a completion from before the last one does not happen. */
  private losses = 0;

  /** @param contents makes what its blocks hold */
  constructor(
    private readonly simulation: Simulation,
    readonly name: string,
    readonly profile: DiskProfile,
    contents: () => PageContents,
    private readonly random: RandomStream,
  ) {
    this.media = contents();
    this.cache = contents();
    this.arrived = new Condition(simulation, `a write to ${name}`);
    this.sectorTime = Math.max(1, Math.round((SECTOR_SIZE * SEC) / profile.bytesPerSecond));
    this.sectorsAtOnce = (profile.atomicWrite ?? SECTOR_SIZE) / SECTOR_SIZE;
  }

  /** submit_bio for a write: `done` is called when the disk says that it has the block. */
  submitWrite(memory: PageContents, frame: number, block: number, done: () => void): void {
    this.queue.push({ block, frame, memory, done });
    if (this.started) this.arrived.notifyOne();
    else {
      this.started = true;
      this.simulation.spawn(`${this.name} bus`, this.serve(), { daemon: true });
    }
  }

  /** Reads blocks into frames of memory: one request, which completes as a whole. */
  *readBlocks(memory: PageContents, reads: readonly BlockRead[]): Task {
    yield this.profile.readLatency + this.sectorTime * SECTORS_PER_BLOCK * reads.length;
    for (const { frame, block } of reads) {
      memory.copy(this.media, block, frame);
      const entry = this.cached.get(block);
      if (entry === undefined) continue;
      forEachSector(entry.sectors, (offset, length) => {
        memory.copy(this.cache, entry.slot, frame, offset, length);
      });
    }
  }

  /** A small write of metadata that is durable when it completes (FUA). Its contents are the file system's own. */
  *writeMetadata(blocks: number): Task {
    yield this.profile.writeLatency + this.profile.flushLatency + blocks * SECTORS_PER_BLOCK * this.sectorTime;
  }

  /** Makes durable every write that has completed. */
  *flush(): Task {
    const blocks = [...this.cached.keys()];
    yield this.profile.flushLatency;
    for (const block of blocks) this.persist(block, ALL_SECTORS);
  }

  /**
   * The lights go out. Each sector that only the cache had is on the disk or is not. What was submitted and has not
   * completed never will.
   */
  powerLoss(): void {
    this.losses++;
    for (const block of [...this.cached.keys()].sort((a, b) => a - b)) {
      let survivors = 0;
      for (let sector = 0; sector < SECTORS_PER_BLOCK; sector++) {
        if (this.random.chance(0.5)) survivors |= 1 << sector;
      }
      this.persist(block, survivors);
    }
    this.queue = [];
    this.queueHead = 0;
  }

  /** Moves those of the given sectors that the cache has to the media, and forgets the rest. */
  private persist(block: number, sectors: number): void {
    const entry = this.cached.get(block);
    if (entry === undefined) return;
    forEachSector(entry.sectors & sectors, (offset, length) => {
      this.media.copy(this.cache, entry.slot, block, offset, length);
    });
    this.cached.delete(block);
    this.freeSlots.push(entry.slot);
  }

  private *serve(): Task {
    for (;;) {
      const write = this.dequeue();
      if (write === undefined) {
        yield this.arrived;
        continue;
      }
      const { losses } = this;
      const { sectorsAtOnce } = this;
      const bytes = sectorsAtOnce * SECTOR_SIZE;
      for (let sector = 0; sector < SECTORS_PER_BLOCK && this.losses === losses; sector += sectorsAtOnce) {
        const entry = this.entryFor(write.block);
        this.cache.copy(write.memory, write.frame, entry.slot, sector * SECTOR_SIZE, bytes);
        entry.sectors |= ((1 << sectorsAtOnce) - 1) << sector;
        yield sectorsAtOnce * this.sectorTime;
      }
      if (this.losses !== losses) continue;
      this.blocksWritten++;
      this.simulation.after(this.profile.writeLatency, `completion of a write to ${this.name}`, () => {
        if (this.losses === losses) write.done();
      });
    }
  }

  private dequeue(): BlockWrite | undefined {
    if (this.queueHead === this.queue.length) return undefined;
    const write = this.queue[this.queueHead++];
    // Not shift(): that moves the whole queue for every write.
    if (2 * this.queueHead > this.queue.length) {
      this.queue = this.queue.slice(this.queueHead);
      this.queueHead = 0;
    }
    return write;
  }

  private entryFor(block: number): CachedBlock {
    let entry = this.cached.get(block);
    if (entry === undefined) {
      entry = { slot: this.freeSlots.pop() ?? this.cached.size, sectors: 0 };
      this.cached.set(block, entry);
    }
    return entry;
  }
}

const ALL_SECTORS = (1 << SECTORS_PER_BLOCK) - 1;

/** Visits the sectors of a set; all of them as one piece. */
function forEachSector(sectors: number, visit: (offset: number, length: number) => void): void {
  if (sectors === ALL_SECTORS) {
    visit(0, PAGE_SIZE);
    return;
  }
  for (let sector = 0; sector < SECTORS_PER_BLOCK; sector++) {
    if ((sectors & (1 << sector)) !== 0) visit(sector * SECTOR_SIZE, SECTOR_SIZE);
  }
}
