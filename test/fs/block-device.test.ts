import { PAGE_SIZE, PageContents } from '../../src/base/index.js';
import { RandomStream, Simulation, US } from '../../src/engine/index.js';
import { BlockDevice, NVME, SECTOR_SIZE } from '../../src/fs/index.js';

const SECTOR_NS = 256; // 512 bytes at 2 GB/s
const BLOCK_NS = 8 * SECTOR_NS;

interface Rig {
  readonly simulation: Simulation;
  readonly disk: BlockDevice;
  readonly memory: PageContents;
  /** Fills a frame of memory with one value, as one write. */
  fill(frame: number, value: number): void;
  /** The first byte of each sector of a block, from the cache or the media. */
  read(block: number): number[];
  media(block: number): number[];
}

function setUp(seed = 1): Rig {
  const simulation = new Simulation({ seed });
  const memory = new PageContents(true);
  const disk = new BlockDevice(simulation, 'nvme0n1', NVME, () => new PageContents(true), new RandomStream(seed));
  let stamp = 0;
  const sectors = (contents: PageContents, page: number): number[] => {
    const bytes = new Uint8Array(PAGE_SIZE);
    contents.read(page, 0, bytes, 0, PAGE_SIZE);
    return [...bytes].filter((_, i) => i % SECTOR_SIZE === 0);
  };
  return {
    simulation,
    disk,
    memory,
    fill: (frame, value) => {
      memory.write(frame, 0, PAGE_SIZE, ++stamp, new Uint8Array(PAGE_SIZE).fill(value));
    },
    read: (block) => {
      simulation.runTask('read', disk.readBlocks(memory, [{ frame: 999, block }]));
      return sectors(memory, 999);
    },
    media: (block) => sectors(disk.media, block),
  };
}

const EIGHT = (value: number): number[] => new Array<number>(8).fill(value);

describe('a write to the disk', () => {
  it('completes when the disk has fetched the block and has said so', () => {
    const { simulation, disk, memory, fill } = setUp();
    fill(1, 7);
    const done: number[] = [];
    disk.submitWrite(memory, 1, 50, () => done.push(simulation.now));
    disk.submitWrite(memory, 1, 51, () => done.push(simulation.now));
    simulation.runUntilIdle();
    // Blocks cross the bus one after the other; their latencies overlap.
    expect(done).toEqual([BLOCK_NS + 20 * US, 2 * BLOCK_NS + 20 * US]);
    expect(disk.blocksWritten).toBe(2);
  });

  it('is read back from the cache before it is on the media', () => {
    const { simulation, disk, memory, fill, read, media } = setUp();
    fill(1, 7);
    disk.submitWrite(memory, 1, 50, () => undefined);
    simulation.runUntilIdle();
    expect([read(50), media(50)]).toEqual([EIGHT(7), EIGHT(0)]);
  });

  it('is torn by what changes in memory while the disk fetches it, sector by sector', () => {
    const { simulation, disk, memory, fill, read } = setUp();
    fill(1, 7);
    disk.submitWrite(memory, 1, 50, () => undefined);
    simulation.runUntil(3 * SECTOR_NS + 1);
    fill(1, 8);
    simulation.runUntilIdle();
    expect(read(50)).toEqual([7, 7, 7, 7, 8, 8, 8, 8]);
  });

  it('of many blocks takes its time for each, and keeps their order', () => {
    const { simulation, disk, memory, fill } = setUp();
    const order: number[] = [];
    fill(1, 1);
    for (let block = 0; block < 100; block++) disk.submitWrite(memory, 1, block, () => order.push(block));
    simulation.runUntil(10 * BLOCK_NS);
    for (let block = 100; block < 200; block++) disk.submitWrite(memory, 1, block, () => order.push(block));
    simulation.runUntilIdle();
    expect(order).toEqual(Array.from({ length: 200 }, (_, block) => block));
    expect(simulation.now).toBe(200 * BLOCK_NS + 20 * US);
  });
});

describe('a flush', () => {
  it('makes what has completed survive a power loss', () => {
    const { simulation, disk, memory, fill, media } = setUp();
    fill(1, 7);
    disk.submitWrite(memory, 1, 50, () => undefined);
    simulation.runUntilIdle();
    simulation.runTask('flush', disk.flush());
    disk.powerLoss();
    expect(media(50)).toEqual(EIGHT(7));
  });

  it('does not promise anything of what is written while it goes on', () => {
    const survived = Array.from({ length: 20 }, (_, seed) => {
      const { simulation, disk, memory, fill, media } = setUp(seed);
      fill(1, 7);
      simulation.spawn('flush', disk.flush());
      disk.submitWrite(memory, 1, 50, () => undefined);
      simulation.runUntilIdle();
      disk.powerLoss();
      return media(50).filter((value) => value === 7).length;
    });
    expect(Math.min(...survived)).toBeLessThan(8);
  });

  it('takes its time, with an empty cache too', () => {
    const { simulation, disk } = setUp();
    simulation.runTask('flush', disk.flush());
    expect(simulation.now).toBe(100 * US);
  });
});

describe('a power loss', () => {
  it('leaves of each sector in the cache either the old or the new, by the seed', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const { simulation, disk, memory, fill, media } = setUp(seed);
      fill(1, 7);
      disk.submitWrite(memory, 1, 50, () => undefined);
      simulation.runUntilIdle();
      simulation.runTask('flush', disk.flush());
      fill(1, 8);
      disk.submitWrite(memory, 1, 50, () => undefined);
      simulation.runUntilIdle();
      disk.powerLoss();
      const left = media(50);
      expect(left.every((value) => value === 7 || value === 8)).toBe(true);
      outcomes.add(left.join(''));
    }
    expect(outcomes.size).toBeGreaterThan(20);
  });

  it('is the same for the same seed', () => {
    const left = [3, 3].map((seed) => {
      const { simulation, disk, memory, fill, media } = setUp(seed);
      for (const block of [50, 60, 55]) {
        fill(1, block);
        disk.submitWrite(memory, 1, block, () => undefined);
      }
      simulation.runUntilIdle();
      disk.powerLoss();
      return [50, 55, 60].map(media);
    });
    expect(left[0]).toEqual(left[1]);
  });

  it('may leave a part of a block that was still on its way, and nothing of those behind it', () => {
    const { simulation, disk, memory, fill, media } = setUp(4);
    fill(1, 7);
    disk.submitWrite(memory, 1, 50, () => undefined);
    disk.submitWrite(memory, 1, 51, () => undefined);
    simulation.runUntil(4 * SECTOR_NS);
    disk.powerLoss();
    expect(media(50).slice(5)).toEqual([0, 0, 0]);
    expect(media(51)).toEqual(EIGHT(0));
  });
});

describe('a read', () => {
  it('takes the latency of the disk and the time of the bus', () => {
    const { simulation, read } = setUp();
    expect(read(50)).toEqual(EIGHT(0));
    expect(simulation.now).toBe(80 * US + BLOCK_NS);
  });

  it('sees what the cache has over what the media have', () => {
    const { simulation, disk, memory, fill } = setUp();
    fill(1, 7);
    disk.submitWrite(memory, 1, 50, () => undefined);
    simulation.runUntilIdle();
    simulation.runTask('flush', disk.flush());
    fill(1, 8);
    const began = simulation.now;
    simulation.spawn('read', disk.readBlocks(memory, [{ frame: 999, block: 50 }]));
    simulation.runUntil(began + 80 * US + BLOCK_NS - 2 * SECTOR_NS - 1);
    disk.submitWrite(memory, 1, 50, () => undefined);
    simulation.run();
    const bytes = new Uint8Array(PAGE_SIZE);
    memory.read(999, 0, bytes, 0, PAGE_SIZE);
    expect([...bytes].filter((_, i) => i % SECTOR_SIZE === 0)).toEqual([8, 8, 8, 7, 7, 7, 7, 7]);
  });
});

describe('metadata', () => {
  it('is written and flushed in one go (FUA)', () => {
    const { simulation, disk } = setUp();
    simulation.runTask('journal', disk.writeMetadata(2));
    expect(simulation.now).toBe(20 * US + 100 * US + 2 * BLOCK_NS);
  });
});
