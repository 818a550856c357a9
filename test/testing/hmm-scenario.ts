import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { P1 } from '../../src/kernel/index.js';
import { MmSystem, PhysicalMemory, VM_READ, VM_WRITE, madviseDontneed, mmap } from '../../src/mm/index.js';
import { traceOf, type Scenario, type Stage } from '../../src/testing/index.js';
import { NotifierHub } from '../../notifiers/index.js';
import { MirrorDevice } from '../../devices/mirror/index.js';

const ADDRESS = 2 ** 30;

export interface HmmScenarioOptions {
  /** False leaves the trace out: the run must be the same. */
  readonly traced?: boolean;
  /** What is asserted at the end is wrong: that the device does not write at all after the invalidation. */
  readonly asksTooMuch?: boolean;
}

/** Memory of a few pages, in which nothing takes time. */
export function smallSystem({ simulation }: Stage): MmSystem {
  const hub = new NotifierHub(simulation);
  const memory = new PhysicalMemory(simulation, 16, false);
  return new MmSystem(simulation, hub, memory, { minorFault: 0, pageMkwrite: 0, pteFlush: 0 }, P1);
}

/** A mirror writes a page while the kernel takes it away (MADV_DONTNEED). */
export function hmmScenario({ traced = true, asksTooMuch = false }: HmmScenarioOptions = {}): Scenario {
  return function mirrorAgainstDontneed(stage) {
    const system = smallSystem(stage);
    const mm = system.newMm('app');
    const device = new MirrorDevice();
    const mirror = device.open(mm);
    stage.setUp('mmap', mmap(mm, { address: ADDRESS, length: PAGE_SIZE, flags: VM_READ | VM_WRITE }));
    stage.setUp('write', write());
    const trace = traced ? traceOf(system).watch(device) : null;
    stage.task('device', write());
    stage.task('kernel', madviseDontneed(mm, ADDRESS, PAGE_SIZE));

    function* write(): Task {
      yield* mirror.write(ADDRESS, Uint8Array.of(1));
    }

    return () => {
      if (trace === null) return undefined;
      const page = trace.page(ADDRESS);
      const range = page.range({ event: 'CLEAR' });
      expect(page).toHaveNoAccessBetween(range.returned, range.end);
      if (asksTooMuch) expect(page.last('device_write')).toHappenBefore(range.end);
      return undefined;
    };
  };
}
