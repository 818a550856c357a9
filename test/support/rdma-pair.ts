import type { Task } from '../../src/engine/index.js';
import { Rules } from '../../src/check/index.js';
import type { Inode } from '../../src/fs/index.js';
import {
  P0,
  createWorld,
  type KernelCore,
  type Process,
  type World,
  type WorldOptions,
} from '../../src/kernel/index.js';
import type { DeviceDriver, DriverFactory, MemoryRegion, RegMrRequest } from '../../devices/contract/index.js';
import {
  CONNECTX,
  CompletionQueue,
  Nic,
  PacketPool,
  observeNic,
  type DeviceProfile,
  type QpAttributes,
  type QueuePair,
  type SendWorkRequest,
  type WorkCompletion,
} from '../../devices/nic/index.js';
import { OdpDriver } from '../../devices/odp/index.js';
import { PinnedDriver } from '../../devices/pinned/index.js';

/** Address at which the server maps its file. */
export const BASE = 0x10_0000_0000;
const ALL_RIGHTS = 0x30f;

export interface PairOptions extends WorldOptions {
  /** A driver of the house, or one's own, which follows notifiers; default odp. */
  readonly driver?: 'odp' | 'pinned' | DriverFactory;
  readonly profile?: DeviceProfile;
  /** False keeps the rules from stopping a driver that breaks them. */
  readonly rules?: false;
  readonly pages?: number;
}

/** A client and a server on one link; the server maps a file and may register it. The rules watch. */
export class RdmaPair {
  readonly world: World;
  readonly client: Nic;
  readonly server: Nic;
  readonly driver: DeviceDriver;
  readonly rules: Rules;
  readonly process: Process;
  readonly inode: Inode;
  readonly completions: CompletionQueue;
  readonly receives: CompletionQueue;
  requester!: QueuePair;
  responder!: QueuePair;
  private nextId = 1;

  constructor(readonly options: PairOptions = {}) {
    this.world = createWorld({ policy: P0, memory: 2 ** 26, ...options });
    const { kernel, simulation } = this.world;
    const pool = new PacketPool();
    const profile = options.profile ?? CONNECTX;
    this.client = new Nic(simulation, kernel.mm.memory, pool, 'client', profile);
    this.server = new Nic(simulation, kernel.mm.memory, pool, 'server', profile);
    this.driver = createDriver(options.driver ?? 'odp', this.server, kernel);
    this.server.attach(this.driver);
    this.rules = new Rules(kernel.mm);
    if (options.driver !== 'pinned' && options.rules !== false) this.rules.watch(observeNic(this.server));
    this.process = kernel.createProcess('server');
    this.inode = kernel.fs.createFile('data', this.pages * 4096, 'written');
    this.completions = new CompletionQueue(simulation, 'completions');
    this.receives = new CompletionQueue(simulation, 'receives');
    this.run(
      kernel.mmap(this.process, {
        address: BASE,
        length: this.pages * 4096,
        prot: 'rw',
        share: 'shared',
        file: { inode: this.inode, offset: 0 },
      }),
    );
    this.connect();
  }

  get pages(): number {
    return this.options.pages ?? 16;
  }

  /** Runs a task to its end. */
  run<T>(task: Task<T>): T {
    return this.world.simulation.runTask('test', task);
  }

  /** A fresh connection. */
  connect(client: QpAttributes = {}, server: QpAttributes = {}): void {
    const { completions, receives } = this;
    this.requester = this.client.createQp({ sendCq: completions, recvCq: receives });
    this.responder = this.server.createQp({ sendCq: completions, recvCq: receives });
    this.requester.connect(this.server, this.responder.qpn, client);
    this.responder.connect(this.client, this.requester.qpn, server);
  }

  /** Registers the whole mapping, or a part of it. */
  *register(request: Partial<RegMrRequest> = {}): Task<MemoryRegion> {
    return yield* this.driver.regMr({
      mm: this.process.mm,
      start: BASE,
      length: this.pages * 4096,
      access: ALL_RIGHTS,
      ...request,
    });
  }

  /** Posts a request and waits for its completion. */
  *perform(request: Omit<SendWorkRequest, 'wrId'>): Task<WorkCompletion> {
    const wrId = this.nextId++;
    this.requester.postSend({ ...request, wrId });
    return yield* this.completions.next();
  }

  /** RDMA WRITE of some bytes to a region. */
  *write(region: MemoryRegion, offset: number, bytes: Uint8Array): Task<WorkCompletion> {
    return yield* this.perform({
      opcode: 'RDMA_WRITE',
      length: bytes.length,
      local: bytes,
      remoteAddress: region.mkey.iova + offset,
      rkey: region.mkey.rkey,
    });
  }

  /** RDMA READ of some bytes of a region. */
  *read(region: MemoryRegion, offset: number, length: number): Task<Uint8Array> {
    const local = new Uint8Array(length);
    yield* this.perform({
      opcode: 'RDMA_READ',
      length,
      local,
      remoteAddress: region.mkey.iova + offset,
      rkey: region.mkey.rkey,
    });
    return local;
  }

  /** What is in the server's file pages at this very instant, at an offset of the mapping. */
  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const { contents } = this.world.kernel.mm.memory;
    for (let done = 0; done < length;) {
      const within = (offset + done) % 4096;
      const here = Math.min(4096 - within, length - done);
      const frame = this.inode.mapping.pages.get((offset + done - within) / 4096);
      contents.read(frame, within, bytes, done, here);
      done += here;
    }
    return bytes;
  }

  /** The completions that have come since this was last asked, as `wrId status` without the prefix. */
  statuses(): string[] {
    const seen: string[] = [];
    for (let next = this.completions.poll(); next !== null; next = this.completions.poll()) {
      seen.push(`${String(next.wrId)} ${next.status.replace('IBV_WC_', '')}`);
    }
    return seen;
  }

  /** What the server's CPU reads at an offset of the mapping. */
  *load(offset: number, length: number): Task<Uint8Array> {
    const bytes = new Uint8Array(length);
    yield* this.world.kernel.load(this.process, BASE + offset, bytes);
    return bytes;
  }
}

function createDriver(driver: NonNullable<PairOptions['driver']>, nic: Nic, kernel: KernelCore): DeviceDriver {
  if (typeof driver === 'function') return driver(nic, kernel);
  return driver === 'pinned' ? new PinnedDriver(nic, kernel) : new OdpDriver(nic, kernel);
}

/** Bytes that are unlike their neighbours: a misplaced one shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed * 31) & 0xff);
}
