import { ContainerModule } from 'inversify';
import { PAGE_SIZE } from '../../src/base/index.js';
import type { TraceEvent } from '../../src/engine/index.js';
import { BlockDevice, Btrfs, Ext4, FileSystem, HDD } from '../../src/fs/index.js';
import { DEFAULT_COSTS, P0, P1, createWorld } from '../../src/kernel/index.js';
import { MmSystem, PhysicalMemory } from '../../src/mm/index.js';

describe('a world', () => {
  it("is a machine with 16 GiB, ext4 on an NVMe disk, and the policy of today's kernels, if nothing else is said", () => {
    const { kernel, container } = createWorld();
    expect(kernel.mm.memory.frames.count * PAGE_SIZE).toBe(16 * 2 ** 30);
    expect(kernel.fs).toBeInstanceOf(Ext4);
    expect(container.get(BlockDevice).profile.name).toBe('nvme');
    expect([kernel.policy, kernel.mm.costs]).toEqual([P1, DEFAULT_COSTS]);
  });

  it('is what was asked for', () => {
    const { kernel, simulation } = createWorld({
      seed: 9,
      memory: 2 ** 20,
      fileSystem: 'btrfs',
      disk: HDD,
      policy: P0,
      bytes: false,
    });
    expect([simulation.seed, kernel.mm.memory.frames.count, kernel.mm.memory.contents.keepsBytes]).toEqual([
      9,
      256,
      false,
    ]);
    expect(kernel.fs).toBeInstanceOf(Btrfs);
    expect([kernel.fs.device.profile, kernel.policy]).toEqual([HDD, P0]);
  });

  it('has one of each of its parts', () => {
    const { kernel, container } = createWorld({ memory: 2 ** 20 });
    expect(container.get(MmSystem)).toBe(kernel.mm);
    expect(container.get(PhysicalMemory)).toBe(kernel.mm.memory);
    expect(container.get(FileSystem)).toBe(kernel.fs);
  });

  it('takes in what plugs in', () => {
    const token = Symbol('plugin');
    const plugin = new ContainerModule(({ bind }) => {
      bind(token).toConstantValue('here');
    });
    expect(createWorld({ memory: 2 ** 20, modules: [plugin] }).container.get(token)).toBe('here');
  });

  it('is apart from every other one', () => {
    const [one, two] = [createWorld({ memory: 2 ** 20 }), createWorld({ memory: 2 ** 20 })];
    one.kernel.fs.createFile('file', PAGE_SIZE, 'written');
    expect([two.kernel.fs.inodes.length, one.simulation === two.simulation]).toEqual([0, false]);
  });

  it('runs the same way every time, to the last event', () => {
    const traces = [1, 1, 2].map((seed) => {
      const { kernel, simulation } = createWorld({ seed, memory: 2 ** 22, fileSystem: 'btrfs' });
      const events: [number, TraceEvent][] = [];
      simulation.trace.attach({ event: (time, event) => events.push([time, event]) });
      const file = kernel.fs.createFile('file', 8 * PAGE_SIZE, 'written');
      const process = kernel.createProcess('app');
      simulation.runTask(
        'app',
        (function* () {
          yield* kernel.mmap(process, {
            address: 2 ** 30,
            length: 8 * PAGE_SIZE,
            prot: 'rw',
            share: 'shared',
            file: { inode: file, offset: 0 },
          });
          for (let i = 0; i < 8; i++) yield* kernel.store(process, 2 ** 30 + i * PAGE_SIZE, 8);
          yield* kernel.fsync(file);
          yield* kernel.ftruncate(file, 100);
          yield* kernel.exit(process);
        })(),
      );
      simulation.runUntilIdle();
      kernel.fs.device.powerLoss();
      return JSON.stringify(events);
    });
    expect(traces[0]).toBe(traces[1]);
    // The seed has no say in it but for what a power loss leaves.
    expect(traces[0]).toBe(traces[2]);
  });
});
