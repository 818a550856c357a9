import {
  devicePlugin,
  driverFactoryOf,
  driverPlugin,
  type Capability,
  type DriverPlugin,
  type Hardware,
  type MemoryRegion,
  type PageFault,
  type RegMrRequest,
} from '../../devices/contract/index.js';
import { MirrorDevice, mirror } from '../../devices/mirror/index.js';
import type { Mirror } from '../../devices/mirror/mirror.js';
import { OdpDriver, odp, type UmemOdp } from '../../devices/odp/index.js';
import { pinned } from '../../devices/pinned/index.js';
import { Errno } from '../../src/base/index.js';
import { SUITES } from '../../src/trial/suites/index.js';
import { runBatch, subjectOf, testAt, testsFor, whyNot } from '../../src/trial/index.js';
import type { SeededFailure } from '../../src/trial/run-batch.js';
import type { KernelCore } from '../../src/kernel/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import type { Task } from '../../src/engine/index.js';

/** What fails, by the names of tests; a few seeds of those that have many. */
function failing(plugin: DriverPlugin, only?: string): Map<string, SeededFailure> {
  const subject = subjectOf(plugin);
  const found = new Map<string, SeededFailure>();
  for (const selected of testsFor(only === undefined ? {} : { only })) {
    if (whyNot(testAt(selected), subject) !== null) continue;
    const [failure] = runBatch(subject, { ...selected, count: Math.min(selected.count, 5) }).failures;
    if ((failure as SeededFailure | undefined) !== undefined) found.set(`${selected.suite}.${selected.test}`, failure);
  }
  return found;
}

/** The mirror with a step of it done otherwise. */
function mirrorWith(change: (mirror: Mirror) => void): DriverPlugin {
  class Changed extends MirrorDevice {
    override open(mm: MmStruct): Mirror {
      const opened = super.open(mm);
      change(opened);
      return opened;
    }
  }
  return devicePlugin({ ...mirror.manifest, name: 'changed' }, (name) => new Changed(name));
}

describe('the suites of the trial', () => {
  it.each([
    ['the ODP driver', odp],
    ['the mirror', mirror],
    ['the pinning driver', pinned],
  ])('%s passes them all', (_what, plugin) => {
    expect([...failing(plugin)]).toEqual([]);
  });

  it('say of a driver that cannot be made what it said, each of them', () => {
    const unmade = driverPlugin({ ...odp.manifest, name: 'unmade' }, () => {
      throw new Error('no such hardware');
    });
    const failed = failing(unmade);
    expect(failed.has('programs.')).toBe(true);
    for (const [name, { reason }] of failed) expect(`${name}: ${reason}`).toContain('no such hardware');
  });

  it('have names that --only can take', () => {
    for (const { name, tests } of SUITES) {
      expect(name).toMatch(/^[a-z0-9_-]+$/);
      expect(new Set(tests.map((test) => test.name)).size).toBe(tests.length);
    }
  });

  it('are the same for the same seed', () => {
    const subject = subjectOf(odp);
    const [once, again] = [1, 1].map(() => runBatch(subject, { suite: 'storms', test: '', from: 7, count: 2 }));
    expect(once).toEqual(again);
  });
});

describe('a device that is wrong, though it breaks no rule,', () => {
  it('and loses a write is found by what the CPU sees', () => {
    const plugin = mirrorWith((opened) => {
      const write = opened.write.bind(opened);
      opened.write = (address, data) => write(address, new Uint8Array(data.length));
    });
    expect(failing(plugin, 'hmm-tests').get('hmm-tests.anon_write')).toMatchObject({
      rule: null,
      reason: expect.stringMatching(
        /what the device wrote, as the CPU of app sees it, page 1: expected 1, found 0 \(/,
      ) as string,
    });
  });

  it('and tells nobody what it does is found by that', () => {
    const plugin = devicePlugin({ ...mirror.manifest, name: 'silent' }, (name) => {
      const device = new MirrorDevice(name);
      device.watch = () => undefined;
      return device;
    });
    expect(failing(plugin, 'gaps.page_crossing').get('gaps.page_crossing')).toMatchObject({
      rule: null,
      reason: expect.stringMatching(/the device has written 3 bytes, and has told its watchers of 0/) as string,
    });
  });

  it('and leaves a key behind where a registration fails is found by the key', () => {
    class Leaking extends OdpDriver {
      constructor(
        private readonly nic: Hardware,
        kernel: KernelCore,
      ) {
        super(nic, kernel);
      }

      override *regMr(request: RegMrRequest): Task<MemoryRegion> {
        const mkey = this.nic.createMkey({ iova: 0, length: 4096, access: 0 });
        const region = yield* super.regMr(request);
        yield* this.nic.destroyMkey(mkey);
        return region;
      }
    }
    const manifest = { ...odp.manifest, name: 'leaking' };
    const plugin = driverPlugin(manifest, (hardware, kernel) => new Leaking(hardware, kernel));
    expect(failing(plugin, 'gaps.failed_open').get('gaps.failed_open')).toMatchObject({
      rule: null,
      reason: expect.stringMatching(
        /when everything had been deregistered, rkey 0x\w+ of device0 has not been/,
      ) as string,
    });
  });

  it('and never unsubscribes is found by the subscription', () => {
    const plugin = mirrorWith((opened) => {
      const { mm } = opened;
      mm.notifiers.removeInterval = function* () {
        yield 0;
      };
    });
    expect(failing(plugin, 'gaps.page_crossing').get('gaps.page_crossing')?.reason).toMatch(
      /when everything had been closed, "\w+" was still subscribed to mm of app, and keeps it/,
    );
  });

  it('and says EFAULT where it should say EPERM is found', () => {
    const plugin = mirrorWith((opened) => {
      const { read, write } = opened;
      opened.write = function* (this: Mirror, address, data): ReturnType<Mirror['write']> {
        try {
          return yield* write.call(this, address, data);
        } catch {
          return yield* read.call(this, 0, data);
        }
      };
    });
    const failures = failing(plugin, 'hmm-tests');
    expect(failures.get('hmm-tests.anon_write_prot')?.reason).toMatch(
      /a write to a mapping for reading: expected EPERM, found EFAULT \(/,
    );
    expect(failing(plugin, 'mmu_stress_test').size).toBe(1);
  });

  it('and gives one access the answer that another deserves is found, in one process or two', () => {
    const queue = { waiting: 0, answer: null as unknown };
    const plugin = mirrorWith((opened) => {
      const write = opened.write.bind(opened);
      const read = opened.read.bind(opened);
      opened.write = function* (address, data): ReturnType<Mirror['write']> {
        queue.waiting++;
        yield 100;
        queue.waiting--;
        if (queue.answer !== null && queue.waiting > 0) throw queue.answer as Error;
        try {
          return yield* write(address, data);
        } catch (error) {
          queue.answer = error;
          throw error;
        }
      };
      opened.read = function* (address, target): ReturnType<Mirror['read']> {
        yield 200;
        if (queue.answer !== null) throw queue.answer as Error;
        return yield* read(address, target);
      };
    });
    expect(failing(plugin, 'gaps.refused_writes').get('gaps.refused_writes')?.reason).toMatch(
      /a read that the CPU could make: expected success, found EPERM/,
    );
    queue.answer = null;
    expect(failing(plugin, 'gaps.two_processes').get('gaps.two_processes')?.reason).toMatch(
      /a write that the CPU could make: expected success, found EFAULT/,
    );
  });

  it('and calls dirty only what it has faulted for writing is found, as a write may need no fault', () => {
    class DirtyIfFaulted extends OdpDriver {
      private readonly forWriting = new Set<string>();

      override *pageFault(fault: PageFault): Task {
        for (let page = fault.firstPage; fault.write && page < fault.firstPage + fault.pages; page++) {
          this.forWriting.add(`${String(fault.mkey.rkey)}.${String(page)}`);
        }
        yield* super.pageFault(fault);
      }

      protected override letGo(umem: UmemOdp, first: number, end: number): number {
        let pages = 0;
        for (let page = first; page < end; page++) {
          if (this.forWriting.has(`${String(umem.mkey.rkey)}.${String(page)}`))
            pages += super.letGo(umem, page, page + 1);
          else pages += umem.forget(page, page + 1, () => undefined);
        }
        return pages;
      }
    }
    const plugin = driverPlugin(
      { ...odp.manifest, name: 'changed' },
      (hardware, kernel) => new DirtyIfFaulted(hardware, kernel),
    );
    const name = 'gaps.read_then_write_madv_free';
    expect(failing(plugin, name).get(name)?.rule).toBe('R5');
    expect([...failing(plugin, 'gaps.madv_free')]).toEqual([]);
  });

  it('and says EFAULT of a process that has gone is found', () => {
    const plugin = mirrorWith((opened) => {
      const read = opened.read.bind(opened);
      opened.read = function* (address, target): ReturnType<Mirror['read']> {
        if (!opened.mm.alive) throw new Errno('EFAULT', 'nothing is mapped');
        return yield* read(address, target);
      };
    });
    expect(failing(plugin, 'gaps.process_gone').get('gaps.process_gone')?.reason).toMatch(
      /a read after exit: expected EINVAL, found EFAULT/,
    );
  });

  it('and tells of no translation is found by its faults, which seem to bring nothing', () => {
    const plugin = devicePlugin({ ...mirror.manifest, name: 'hiding' }, (name) => {
      const device = new MirrorDevice(name);
      device.forEachTranslation = () => undefined;
      return device;
    });
    expect(failing(plugin, 'gaps.fork').get('gaps.fork')?.rule).toBe('R16');
  });

  it('and never answers is found in virtual time', () => {
    const create = driverFactoryOf(odp);
    const silent = driverPlugin({ ...odp.manifest, name: 'silent' }, (hardware, kernel) => {
      const driver = create(hardware, kernel);
      driver.pageFault = function* (): Task {
        for (;;) yield 1_000_000;
      };
      return driver;
    });
    expect(failing(silent, 'hmm-tests.anon_write').get('hmm-tests.anon_write')?.reason).toMatch(
      /no task has run for 5 virtual seconds/,
    );
  });

  it('and goes on for ever in a system call is stopped after ten virtual seconds', () => {
    const create = driverFactoryOf(odp);
    const slow = driverPlugin({ ...odp.manifest, name: 'slow' }, (hardware, kernel) => {
      const driver = create(hardware, kernel);
      driver.regMr = function* (): Task<never> {
        for (;;) yield 1_000_000;
      };
      return driver;
    });
    expect(failing(slow, 'gaps.fork').get('gaps.fork')?.reason).toMatch(/it has not ended after 10 virtual seconds/);
  });

  it('and promises what it does not have is told so', () => {
    const plugin = devicePlugin({ ...mirror.manifest, name: 'poor' }, (name) => {
      const device = new MirrorDevice(name);
      const open = device.open.bind(device);
      device.open = (mm) => Object.assign(open(mm), { snapshot: undefined });
      return device;
    });
    expect(failing(plugin, 'hmm-tests.snapshot').get('hmm-tests.snapshot')?.reason).toMatch(
      /the manifest declares SNAPSHOT, but contexts have no snapshot\(\)/,
    );
  });
});

describe('a driver that pins', () => {
  const create = driverFactoryOf(pinned);

  it('and mixes pages up is found by the payload', () => {
    const plugin = driverPlugin({ ...pinned.manifest, name: 'mixed-up' }, (hardware, kernel) => {
      const mixing = Object.create(hardware) as Hardware;
      mixing.map = (mkey, first, entries) => hardware.map(mkey, first, entries.slice().reverse());
      return create(mixing, kernel);
    });
    const failures = failing(plugin, 'gaps');
    expect([...failures.keys()]).toEqual(['gaps.unaligned_region', 'gaps.page_crossing']);
    expect(failures.get('gaps.page_crossing')).toMatchObject({
      rule: null,
      reason: expect.stringMatching(/that the device wrote, as the CPU sees them: byte \d+ of \d+: expected/) as string,
    });
  });

  it('and never lets go breaks R19', () => {
    const plugin = driverPlugin({ ...pinned.manifest, name: 'leaking' }, (hardware, kernel) => {
      const driver = create(hardware, kernel);
      driver.deregMr = function* (): Task {
        yield 0;
      };
      return driver;
    });
    expect(failing(plugin, 'gaps.page_crossing').get('gaps.page_crossing')).toMatchObject({
      rule: 'R19',
      reason: expect.stringMatching(/^16 pages are pinned/) as string,
    });
  });
});

describe('what a manifest does not declare', () => {
  const reason = (test: string, capabilities: readonly Capability[]): string | null => {
    const subject = subjectOf(driverPlugin({ ...odp.manifest, capabilities }, driverFactoryOf(odp)));
    return whyNot(testAt({ suite: 'test_odp', test }), subject);
  };

  it('is not asked of it, and the reason says so', () => {
    expect(reason('rc_rdma_read', ['IBV_ODP_SUPPORT'])).toBe('the manifest does not declare IBV_ODP_SUPPORT_READ');
    expect(reason('rc_rdma_read', ['IBV_ODP_SUPPORT', 'IBV_ODP_SUPPORT_READ'])).toBeNull();
  });

  it('nor what nobody could be asked, whatever it declares', () => {
    expect(reason('implicit_rc_traffic', ['IBV_ODP_SUPPORT_IMPLICIT'])).toBe(
      'the driver contract has no implicit registration',
    );
  });
});
