import { PAGE_SIZE, isErrno } from '../../base/index.js';
import { RandomStream, US, type Task } from '../../engine/index.js';
import type { Inode } from '../../fs/index.js';
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
import type { IntervalNotifier } from '../../../notifiers/index.js';
import type { Window } from '../device/tried-device.js';
import { tell, type Stage } from '../stage.js';
import type { Suite } from '../suite.js';
import { EVERYBODY } from './needs.js';

/** Where the process maps its file; anonymous memory follows. */
const BASE = 0x10_0000_0000;
const PAGES = 16;
/** Requests of each queue, and system calls meanwhile. */
const REQUESTS = 20;
const CALLS = 30;
const QUEUES = 3;
const WINDOW_BYTES = PAGES * PAGE_SIZE - 1024;

/** Storms: each seed is another one, under another schedule. */
export const storms: Suite = {
  name: 'storms',
  title: 'a device on several queues among madvise, mprotect, fork, munmap, mmap, fsync, registrations and an OOM reap',
  tests: [
    {
      name: '',
      seeds: 200,
      needs: EVERYBODY,
      run: (subject, seed) => tell(subject, (stage) => storm(stage, new RandomStream(seed)), { seed }),
    },
  ],
};

/**
 * One storm, after KVM's mmu_stress_test and rdma-core's test_odp.py: a device writes and reads pages of a file and of anonymous
 * memory through two windows, while other tasks take them away (madvise, mprotect, fork, munmap and mmap, fsync), and one opens
 * and closes windows. The seed decides what is done, and which ready task goes next. In every other storm somebody else has
 * subscribed, and keeps the kernel waiting.
 */
function* storm(stage: Stage, random: RandomStream): Task {
  const { kernel, process, world } = stage;
  const { simulation } = world;
  const inode = kernel.fs.createFile('file', PAGES * PAGE_SIZE, 'written');
  yield* kernel.mmap(process, {
    address: BASE,
    length: PAGES * PAGE_SIZE,
    prot: 'rw',
    share: 'shared',
    file: { inode, offset: 0 },
  });
  yield* mapAnonymous(stage, 0, PAGES);
  const bystander = random.seed % 2 === 0 ? subscribe(stage, random.split('bystander')) : null;
  const windows = [yield* open(stage, 0), yield* open(stage, PAGES, 512)];
  const tasks = Array.from({ length: QUEUES }, (_, i) =>
    simulation.spawn(`queue ${String(i)}`, traffic(windows, random.split(`queue pair ${String(i)}`))),
  );
  tasks.push(
    simulation.spawn('system calls', systemCalls(stage, random.split('system calls'))),
    simulation.spawn('fsync', syncing(stage, inode, random.split('fsync'))),
    simulation.spawn('registrations', registrations(stage, random.split('registrations'))),
  );
  for (const task of tasks) yield task;
  // The process is killed for memory while its device goes on.
  const last = simulation.spawn('queue at the end', traffic(windows, random.split('the end')));
  yield random.below(400) * US;
  yield process.mm.mmapLock.shared;
  yield* oomReapTaskMm(process.mm);
  process.mm.mmapLock.releaseShared();
  yield last;
  if (bystander !== null) yield* process.mm.notifiers.removeInterval(bystander);
}

/** Somebody else whom the kernel waits for: nothing may depend on it, or on who comes first. */
function subscribe({ process, watch }: Stage, random: RandomStream): IntervalNotifier {
  const notifier = process.mm.notifiers.insertInterval(BASE, 2 * PAGES * PAGE_SIZE, {
    name: 'bystander',
    invalidate: (range, seq) => {
      notifier.setSeq(seq);
      if (!range.blockable) return;
      range.hold('bystander', pausing(random.below(100) * US));
      watch.census.note('R15');
    },
  });
  return notifier;
}

function* pausing(time: number): Task {
  yield time;
}

/** A window of 15 pages and a little, which begins `within` a page. */
function* open(stage: Stage, first: number, within = 0): Task<Window> {
  return yield* stage.openBytes(BASE + first * PAGE_SIZE + within, WINDOW_BYTES);
}

/** Anonymous memory at pages [first, first + pages) of the part behind the file. */
function* mapAnonymous({ kernel, process }: Stage, first: number, pages: number): Task {
  const address = BASE + (PAGES + first) * PAGE_SIZE;
  yield* kernel.mmap(process, { address, length: pages * PAGE_SIZE, prot: 'rw', share: 'private' });
}

/** Writes and reads at random places. What is refused is refused: the memory may be gone. */
function* traffic(windows: readonly Window[], random: RandomStream): Task {
  const channels = windows.map((window) => window.channel());
  for (let i = 1; i <= REQUESTS; i++) {
    const which = random.below(channels.length);
    const length = 1 + random.below(2 * PAGE_SIZE);
    // The first window begins at the file, the second within the first page behind it.
    const start = which === 0 ? BASE : BASE + PAGES * PAGE_SIZE + 512;
    const address = start + random.below(WINDOW_BYTES - length);
    const data = new Uint8Array(length).fill(i);
    yield* random.chance(0.6) ? channels[which].write(address, data) : channels[which].read(address, data);
  }
}

function* systemCalls(stage: Stage, random: RandomStream): Task {
  const { kernel, process } = stage;
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
        yield* mapAnonymous(stage, page, 1);
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

function* syncing({ kernel }: Stage, inode: Inode, random: RandomStream): Task {
  for (let i = 0; i < CALLS / 3; i++) {
    yield random.below(600) * US;
    yield* kernel.fsync(inode);
  }
}

/** Windows that come and go while the others are in use. */
function* registrations(stage: Stage, random: RandomStream): Task {
  for (let i = 0; i < CALLS / 3; i++) {
    yield random.below(600) * US;
    const window = yield* opened(open(stage, random.below(PAGES)));
    yield random.below(100) * US;
    if (window !== null) yield* stage.close(window);
  }
}

/** A window; null if the memory could not be had: a driver that pins needs it to be there. */
function* opened(opening: Task<Window>): Task<Window | null> {
  try {
    return yield* opening;
  } catch (error) {
    if (isErrno(error)) return null;
    throw error;
  }
}
