import { PAGE_SIZE } from '../../base/index.js';
import { RandomPolicy, RandomStream, US, type Task } from '../../engine/index.js';
import { createWorld, type Process, type World } from '../../kernel/index.js';
import {
  ADVICES,
  VM_READ,
  VM_WRITE,
  forkMm,
  exitMmap,
  madvise,
  mprotect,
  oomReapTaskMm,
  type AdviceAction,
} from '../../mm/index.js';
import type { DeviceDriver, DriverFactory, MemoryRegion } from '../../../devices/contract/index.js';
import { CONNECTX, CompletionQueue, Nic, PacketPool, type QueuePair } from '../../../devices/nic/index.js';

/** Where the process maps its file; anonymous memory follows. */
const BASE = 0x10_0000_0000;
const PAGES = 16;
/** Requests of each queue pair, and system calls meanwhile. */
const REQUESTS = 20;
const CALLS = 30;
const QUEUE_PAIRS = 3;
const ALL_RIGHTS = 0xf;
const REGION_BYTES = PAGES * PAGE_SIZE - 1024;

/** Begins to watch a machine and its NIC. @returns called when all has ended */
export type StormWatch = (world: World, nic: Nic) => () => void;

/**
 * One storm, after KVM's mmu_stress_test and rdma-core's test_odp.py: queue pairs write and read pages of a file and of
 * anonymous memory through two regions, while other tasks take them away (madvise, mprotect, fork, munmap and mmap, fsync),
 * and one registers and deregisters. The seed decides what is done, and which ready task goes next.
 *
 * @throws whatever stops the run: a deadlock, a driver's error, what `watch` throws
 */
export function stormRound(seed: number, create: DriverFactory, watch: StormWatch): void {
  const random = new RandomStream(seed);
  const world = createWorld({ seed, memory: 2 ** 24, schedule: new RandomPolicy(random.split('schedule')) });
  const { simulation, kernel } = world;
  const pool = new PacketPool();
  const client = new Nic(simulation, kernel.mm.memory, pool, 'client', CONNECTX);
  const server = new Nic(simulation, kernel.mm.memory, pool, 'server', CONNECTX);
  const driver = create(server, kernel);
  server.attach(driver);
  const finish = watch(world, server);
  const process = kernel.createProcess('storm');
  simulation.runTask('storm', storm({ world, client, server, driver, process, random }));
  finish();
}

interface Storm {
  readonly world: World;
  readonly client: Nic;
  readonly server: Nic;
  readonly driver: DeviceDriver;
  readonly process: Process;
  readonly random: RandomStream;
}

function* storm(storm: Storm): Task {
  const { world, driver, process, random } = storm;
  const { simulation, kernel } = world;
  const inode = kernel.fs.createFile('file', PAGES * PAGE_SIZE, 'written');
  yield* kernel.mmap(process, {
    address: BASE,
    length: PAGES * PAGE_SIZE,
    prot: 'rw',
    share: 'shared',
    file: { inode, offset: 0 },
  });
  yield* mapAnonymous(storm, 0, PAGES);
  const regions = [yield* register(storm, 0), yield* register(storm, PAGES, 512)];
  const tasks = Array.from({ length: QUEUE_PAIRS }, (_, i) =>
    simulation.spawn(`queue pair ${String(i)}`, traffic(storm, regions, random.split(`queue pair ${String(i)}`))),
  );
  tasks.push(
    simulation.spawn('system calls', systemCalls(storm, random.split('system calls'))),
    simulation.spawn('fsync', syncing(storm, inode, random.split('fsync'))),
    simulation.spawn('registrations', registrations(storm, random.split('registrations'))),
  );
  for (const task of tasks) yield task;
  // The process is killed for memory while its device goes on.
  const last = simulation.spawn('queue pair at the end', traffic(storm, regions, random.split('the end')));
  yield random.below(400) * US;
  yield process.mm.mmapLock.shared;
  yield* oomReapTaskMm(process.mm);
  process.mm.mmapLock.releaseShared();
  yield last;
  for (const region of regions) yield* driver.deregMr(region);
  yield* kernel.exit(process);
}

/** A region of 15 pages and a little, which begins `within` a page. */
function* register({ driver, process }: Storm, first: number, within = 0): Task<MemoryRegion> {
  const start = BASE + first * PAGE_SIZE + within;
  return yield* driver.regMr({ mm: process.mm, start, length: REGION_BYTES, access: ALL_RIGHTS });
}

/** Anonymous memory at pages [first, first + pages) of the part behind the file. */
function* mapAnonymous({ world, process }: Storm, first: number, pages: number): Task {
  const address = BASE + (PAGES + first) * PAGE_SIZE;
  yield* world.kernel.mmap(process, { address, length: pages * PAGE_SIZE, prot: 'rw', share: 'private' });
}

/** Writes and reads at random places. A request that fails leaves its queue pair useless: the next gets a new one. */
function* traffic({ world, client, server }: Storm, regions: readonly MemoryRegion[], random: RandomStream): Task {
  const completions = new CompletionQueue(world.simulation, 'completions');
  const connect = (): QueuePair => {
    const queues = { sendCq: completions, recvCq: new CompletionQueue(world.simulation, 'receives') };
    const [here, there] = [client.createQp(queues), server.createQp(queues)];
    here.connect(server, there.qpn);
    there.connect(client, here.qpn);
    return here;
  };
  let qp = connect();
  for (let wrId = 1; wrId <= REQUESTS; wrId++) {
    const { mkey } = regions[random.below(regions.length)];
    const length = 1 + random.below(2 * PAGE_SIZE);
    const remoteAddress = mkey.iova + random.below(REGION_BYTES - length);
    const opcode = random.chance(0.6) ? 'RDMA_WRITE' : 'RDMA_READ';
    qp.postSend({ wrId, opcode, length, local: new Uint8Array(length).fill(wrId), remoteAddress, rkey: mkey.rkey });
    const { status } = yield* completions.next();
    if (status === 'IBV_WC_SUCCESS') continue;
    client.destroyQp(qp);
    while (completions.poll() !== null);
    qp = connect();
  }
}

function* systemCalls(storm: Storm, random: RandomStream): Task {
  const { world, process } = storm;
  const { kernel } = world;
  const { mm } = process;
  const advices: readonly AdviceAction[] = [ADVICES.dontneed, ADVICES.pageout, ADVICES.cold];
  for (let call = 0; call < CALLS; call++) {
    yield random.below(200) * US;
    const first = random.below(2 * PAGES - 1);
    const pages = 1 + random.below(Math.min(4, 2 * PAGES - first));
    const [address, length] = [BASE + first * PAGE_SIZE, pages * PAGE_SIZE];
    switch (random.below(9)) {
      case 0:
      case 1:
        yield* madvise(mm, address, length, advices[random.below(3)]);
        break;
      case 2:
        yield* mprotect(mm, address, length, VM_READ);
        yield* mprotect(mm, address, length, VM_READ | VM_WRITE);
        break;
      case 3: {
        const child = yield* forkMm(mm, 'child');
        yield* kernel.store(process, address, 1, Uint8Array.of(call));
        yield* exitMmap(child);
        break;
      }
      case 4: {
        const page = random.below(PAGES);
        yield* kernel.munmap(process, BASE + (PAGES + page) * PAGE_SIZE, PAGE_SIZE);
        yield* mapAnonymous(storm, page, 1);
        break;
      }
      case 5:
        yield* madvise(mm, address, length, ADVICES.guard_install);
        yield* madvise(mm, address, length, ADVICES.guard_remove);
        break;
      case 6:
      case 7: {
        // What a device writes to a page that was given up must be told.
        const at = BASE + (PAGES + random.below(PAGES / 2)) * PAGE_SIZE;
        yield* madvise(mm, at, (PAGES / 2) * PAGE_SIZE, ADVICES.free);
        break;
      }
      default:
        yield* kernel.store(process, address, 1, Uint8Array.of(call));
    }
  }
}

function* syncing({ world }: Storm, inode: Parameters<World['kernel']['fsync']>[0], random: RandomStream): Task {
  for (let i = 0; i < CALLS / 3; i++) {
    yield random.below(600) * US;
    yield* world.kernel.fsync(inode);
  }
}

/** Regions that come and go while the others are in use. */
function* registrations(storm: Storm, random: RandomStream): Task {
  for (let i = 0; i < CALLS / 3; i++) {
    yield random.below(600) * US;
    const region = yield* register(storm, random.below(PAGES));
    yield random.below(100) * US;
    yield* storm.driver.deregMr(region);
  }
}
