import {
  IBV_ACCESS_LOCAL_WRITE,
  IBV_ACCESS_ON_DEMAND,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  driverFactoryOf,
  type DeviceDriver,
  type DriverFactory,
  type DriverPlugin,
  type MemoryRegion,
  type RegMrRequest,
} from '../../devices/contract/index.js';
import {
  CONNECTX,
  CompletionQueue,
  Nic,
  PacketPool,
  type DeviceProfile,
  type QueuePair,
  type WorkCompletion,
} from '../../devices/nic/index.js';
import { OdpDriver } from '../../devices/odp/index.js';
import type { Task } from '../engine/index.js';
import type { World } from '../kernel/index.js';

const ALL_RIGHTS =
  IBV_ACCESS_LOCAL_WRITE |
  IBV_ACCESS_REMOTE_WRITE |
  IBV_ACCESS_REMOTE_READ |
  IBV_ACCESS_REMOTE_ATOMIC |
  IBV_ACCESS_ON_DEMAND;

/** What a pair of connected NICs is like. */
export interface ConnectedNicsOptions {
  /** The driver that is tested: it drives the server's NIC. Default: the built-in one with on-demand paging. */
  readonly driver?: DriverFactory | DriverPlugin;
  /** What both NICs are like; default CONNECTX. */
  readonly profile?: DeviceProfile;
}

/**
 * Two NICs on one link, with a reliable connection between them. The server's has the driver that is tested; the client's
 * needs none, as what it sends is no process's memory.
 *
 * Tasks are for `yield*` in a task of one's own, or for `simulation.runTask`.
 */
export class ConnectedNics {
  readonly client: Nic;
  readonly server: Nic;
  readonly driver: DeviceDriver;
  readonly completions: CompletionQueue;
  private readonly requester: QueuePair;
  private lastId = 0;

  /** @internal made by connectedNics */
  constructor({ simulation, kernel }: World, { driver, profile = CONNECTX }: ConnectedNicsOptions) {
    const pool = new PacketPool();
    this.client = new Nic(simulation, kernel.mm.memory, pool, 'client', profile);
    this.server = new Nic(simulation, kernel.mm.memory, pool, 'server', profile);
    this.driver = factoryOf(driver)(this.server, kernel);
    this.server.attach(this.driver);
    this.completions = new CompletionQueue(simulation, 'completions');
    const queues = { sendCq: this.completions, recvCq: new CompletionQueue(simulation, 'receives') };
    this.requester = this.client.createQp(queues);
    const responder = this.server.createQp(queues);
    this.requester.connect(this.server, responder.qpn);
    responder.connect(this.client, this.requester.qpn);
  }

  /** ibv_reg_mr on the server, with all rights and IBV_ACCESS_ON_DEMAND unless others are given. @throws Errno as it fails */
  *register(request: Omit<RegMrRequest, 'access'> & { readonly access?: number }): Task<MemoryRegion> {
    return yield* this.driver.regMr({ access: ALL_RIGHTS, ...request });
  }

  /** ibv_dereg_mr. */
  *deregister(region: MemoryRegion): Task {
    yield* this.driver.deregMr(region);
  }

  /** Posts an RDMA WRITE to a region, from a byte of it on, and does not wait. @returns its wr_id */
  postWrite(region: MemoryRegion, offset: number, bytes: Uint8Array): number {
    return this.post('RDMA_WRITE', region, offset, bytes);
  }

  /** The next completion of the client. */
  *completion(): Task<WorkCompletion> {
    return yield* this.completions.next();
  }

  /** An RDMA WRITE, and its completion. */
  *write(region: MemoryRegion, offset: number, bytes: Uint8Array): Task<WorkCompletion> {
    this.postWrite(region, offset, bytes);
    return yield* this.completions.next();
  }

  /** An RDMA READ of as many bytes as `target` has, and its completion. */
  *read(region: MemoryRegion, offset: number, target: Uint8Array): Task<WorkCompletion> {
    this.post('RDMA_READ', region, offset, target);
    return yield* this.completions.next();
  }

  private post(opcode: 'RDMA_WRITE' | 'RDMA_READ', { mkey }: MemoryRegion, offset: number, local: Uint8Array): number {
    const wrId = ++this.lastId;
    const remoteAddress = mkey.iova + offset;
    this.requester.postSend({ wrId, opcode, length: local.length, local, remoteAddress, rkey: mkey.rkey });
    return wrId;
  }
}

/** Two NICs of a world that are connected, the server's with the driver that is tested. */
export function connectedNics(world: World, options: ConnectedNicsOptions = {}): ConnectedNics {
  return new ConnectedNics(world, options);
}

function factoryOf(driver: ConnectedNicsOptions['driver']): DriverFactory {
  if (driver === undefined) return (hardware, kernel) => new OdpDriver(hardware, kernel);
  return typeof driver === 'function' ? driver : driverFactoryOf(driver);
}
