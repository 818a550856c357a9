import type { Process } from '../../src/kernel/index.js';
import { pteFrame } from '../../src/mm/index.js';
import type { DeviceDriver, MemoryRegion } from '../../devices/contract/index.js';
import { observeNic, type Sge } from '../../devices/nic/index.js';
import { OdpDriver } from '../../devices/odp/index.js';
import { PinnedDriver } from '../../devices/pinned/index.js';
import type { RdmaPair } from './rdma-pair.js';

/** Address at which the client maps its memory. */
export const CLIENT_BASE = 0x20_0000_0000;

/** Anonymous memory of a process on the client's side, registered with the client's NIC: the local side of requests. */
export class ClientRegion {
  readonly process: Process;
  readonly driver: DeviceDriver;
  readonly region: MemoryRegion;

  constructor(
    private readonly pair: RdmaPair,
    kind: 'odp' | 'pinned',
    pages = 16,
  ) {
    const { kernel } = pair.world;
    this.process = kernel.createProcess('client');
    const length = pages * 4096;
    pair.run(kernel.mmap(this.process, { address: CLIENT_BASE, length, prot: 'rw', share: 'private' }));
    this.driver = kind === 'odp' ? new OdpDriver(pair.client, kernel) : new PinnedDriver(pair.client, kernel);
    pair.client.attach(this.driver);
    if (kind === 'odp') pair.rules.watch(observeNic(pair.client));
    this.region = pair.run(this.driver.regMr({ mm: this.process.mm, start: CLIENT_BASE, length, access: 0xf }));
  }

  sge(offset: number, length: number): Sge {
    return { lkey: this.region.mkey.rkey, address: CLIENT_BASE + offset, length };
  }

  /** The client's CPU stores bytes. */
  store(offset: number, bytes: Uint8Array): void {
    this.pair.run(this.pair.world.kernel.store(this.process, CLIENT_BASE + offset, bytes.length, bytes));
  }

  /** What is in memory at this very instant. */
  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const { contents } = this.pair.world.kernel.mm.memory;
    for (let done = 0; done < length;) {
      const at = CLIENT_BASE + offset + done;
      const within = at % 4096;
      const here = Math.min(4096 - within, length - done);
      const pte = this.process.mm.pageTable.get((at - within) / 4096);
      contents.read(pteFrame(pte), within, bytes, done, here);
      done += here;
    }
    return bytes;
  }
}
