import { US, type Task } from '../../src/engine/index.js';
import { AccessRules, RuleViolation } from '../../src/check/index.js';
import type { Hardware, MemoryRegion, Mkey, PageFault, RegMrRequest } from '../../devices/contract/index.js';
import { OdpDriver } from '../../devices/odp/index.js';
import { BASE, RdmaPair, pattern } from '../support/rdma-pair.js';

/** Puts something between a correct driver and its device: the ways in which drivers have gone wrong. */
class FaultyHardware implements Hardware {
  readonly name: string;
  readonly costs: Hardware['costs'];

  constructor(
    private readonly hardware: Hardware,
    private readonly faults: {
      /** Returns from an invalidation before the device has let go. */
      readonly ignoresUnmap?: boolean;
      /** Lets the device write where the page table says read only. */
      readonly widensRights?: boolean;
    },
  ) {
    this.name = hardware.name;
    this.costs = hardware.costs;
  }

  createMkey(init: Parameters<Hardware['createMkey']>[0]): Mkey {
    return this.hardware.createMkey(init);
  }

  *destroyMkey(mkey: Mkey): Task {
    yield* this.hardware.destroyMkey(mkey);
  }

  *map(mkey: Mkey, firstPage: number, entries: Int32Array): Task {
    const wanted = this.faults.widensRights === true ? entries.map((entry) => (entry === 0 ? 0 : entry | 2)) : entries;
    yield* this.hardware.map(mkey, firstPage, wanted);
  }

  *unmap(mkey: Mkey, firstPage: number, pages: number): Task {
    if (this.faults.ignoresUnmap !== true) yield* this.hardware.unmap(mkey, firstPage, pages);
  }

  resume(fault: PageFault, outcome: 'retry' | 'error'): void {
    this.hardware.resume(fault, outcome);
  }
}

/** A pair whose driver has its faults, under the rules. */
function watched(faults: ConstructorParameters<typeof FaultyHardware>[1]): {
  readonly pair: RdmaPair;
  readonly rules: AccessRules;
  register(request?: Partial<RegMrRequest>): Task<MemoryRegion>;
} {
  const pair = new RdmaPair();
  const { kernel, simulation } = pair.world;
  const driver = new OdpDriver(new FaultyHardware(pair.server, faults), kernel);
  pair.server.attach(driver);
  const rules = new AccessRules(simulation, kernel.hub, [pair.client, pair.server]);
  return {
    pair,
    rules,
    *register(request = {}) {
      const region = yield* driver.regMr({
        mm: pair.process.mm,
        start: BASE,
        length: 16 * 4096,
        access: 0xf,
        ...request,
      });
      rules.watch(region);
      return region;
    },
  };
}

/** The rule that a run breaks; null if it breaks none. */
function brokenBy(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    const cause = (error as Error).cause;
    if (!(cause instanceof RuleViolation)) throw error;
    return cause.contradiction.rule;
  }
}

describe('the rules on accesses', () => {
  it('find nothing wrong with the ODP driver', () => {
    const { pair, rules, register } = watched({});
    const { kernel } = pair.world;
    const broken = brokenBy(() => {
      pair.run(
        (function* (): Task {
          const region = yield* register();
          for (let round = 0; round < 4; round++) {
            yield* pair.write(region, 0, pattern(9000, round));
            yield* kernel.fsync(pair.inode);
            yield* pair.read(region, 100, 9000);
            yield* kernel.madviseDontneed(pair.process, BASE, 4096);
          }
          rules.finish();
        })(),
      );
    });
    expect(broken).toBeNull();
  });

  it('R1: DMA still in flight when the start has returned', () => {
    const { pair, register } = watched({ ignoresUnmap: true });
    const broken = brokenBy(() => {
      pair.run(
        (function* (): Task {
          const region = yield* register();
          yield* pair.write(region, 0, pattern(4096));
          const { rkey, iova: remoteAddress } = region.mkey;
          const local = new Uint8Array(8 * 4096);
          pair.requester.postSend({ wrId: 9, opcode: 'RDMA_WRITE', length: 4096, local, remoteAddress, rkey });
          // It has arrived after 1.24 us and lands after 1.81 us.
          yield 1_300;
          const range = pair.process.mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
          if (range.holds > 0) yield range;
          yield 10 * US;
        })(),
      );
    });
    expect(broken).toBe('R1');
  });

  it('R2: a translation used between start and end', () => {
    const { pair, register } = watched({ ignoresUnmap: true });
    const broken = brokenBy(() => {
      pair.run(
        (function* (): Task {
          const region = yield* register();
          yield* pair.write(region, 0, pattern(4096));
          const range = pair.process.mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
          if (range.holds > 0) yield range;
          yield* pair.write(region, 0, pattern(4096));
        })(),
      );
    });
    expect(broken).toBe('R2');
  });

  it('R10: a write through a read-only page', () => {
    const { pair, register } = watched({ widensRights: true });
    const { kernel } = pair.world;
    const broken = brokenBy(() => {
      pair.run(
        (function* (): Task {
          yield* kernel.load(pair.process, BASE, new Uint8Array(1));
          const region = yield* register();
          yield* pair.write(region, 0, pattern(8));
        })(),
      );
    });
    expect(broken).toBe('R10');
  });

  it('R11: an access after the mapping is gone', () => {
    const { pair, register } = watched({ ignoresUnmap: true });
    const { kernel } = pair.world;
    const broken = brokenBy(() => {
      pair.run(
        (function* (): Task {
          const region = yield* register();
          yield* pair.write(region, 0, pattern(8));
          yield* kernel.munmap(pair.process, BASE, 4096);
          yield* pair.write(region, 0, pattern(8));
        })(),
      );
    });
    expect(broken).toBe('R11');
  });

  it('R9: a start without an end', () => {
    const { pair, rules } = watched({});
    pair.process.mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
    expect(() => {
      rules.finish();
    }).toThrow(/rule R9 broken by the kernel at .* \(seed 1\): .* has no end/);
  });
});
