import { PTRS_PER_PTE } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { insertPfn } from '../../mm/index.js';
import {
  MIRROR_PROT_ERROR,
  MIRROR_PROT_NONE,
  MIRROR_PROT_PMD,
  MIRROR_PROT_READ,
  MIRROR_PROT_WRITE,
  MIRROR_PROT_ZERO,
} from '../../../devices/mirror/index.js';
import type { SvmContext } from '../../../devices/contract/index.js';
import { OpenProcess } from '../device/svm-tried-device.js';
import type { Window } from '../device/tried-device.js';
import { Unexpected, expectEqual } from '../expect.js';
import { BASE, READ, WRITE, address, type Stage } from '../stage.js';
import type { Needs, Test } from '../suite.js';
import { story } from './story.js';

const SNAPSHOTS: Needs = { nic: 'a NIC takes no snapshot of page tables', svm: ['SNAPSHOT'], pins: null };
const EXCLUSIVE: Needs = { nic: 'a NIC has no pages to itself', svm: ['EXCLUSIVE'], pins: null };

const PAGES = 16;
const HUGE = PTRS_PER_PTE;

/** A page that a driver has put into a mapping is seen as readable. */
export const mixedmap = story('mixedmap', SNAPSHOTS, function* (stage) {
  yield* stage.map(1, READ, stage.shmem(1));
  const vma = stage.process.mm.vmas.at(BASE);
  const { memory } = stage.kernel.mm;
  const frame = memory.allocate(0);
  if (vma !== null) insertPfn(vma, BASE, frame, false);
  yield* expectSnapshot(yield* stage.open(1), [MIRROR_PROT_READ]);
  yield* stage.munmap(0, 1);
  memory.put(frame);
});

/** Holes, untouched, zero, read-only and writable pages are told apart. */
export const snapshot = story('snapshot', SNAPSHOTS, function* (stage) {
  yield* stage.map(5, WRITE);
  yield* stage.munmap(0, 1);
  yield* stage.load(address(2), 1);
  for (const page of [3, 4]) yield* stage.store(address(page), Uint8Array.of(1));
  yield* stage.protect(1, READ, 3);
  yield* expectSnapshot(yield* stage.open(5), [
    MIRROR_PROT_ERROR,
    MIRROR_PROT_NONE,
    MIRROR_PROT_ZERO | MIRROR_PROT_READ,
    MIRROR_PROT_READ,
    MIRROR_PROT_WRITE,
  ]);
});

/** Pages of hugetlb are part of a huge entry, writable and then not. */
export const compound = story('compound', SNAPSHOTS, function* (stage) {
  yield* stage.map(HUGE, WRITE, stage.hugetlb());
  yield* stage.store(BASE, Uint8Array.of(1));
  const window = yield* stage.open(HUGE);
  yield* expectSnapshot(window, new Array<number>(HUGE).fill(MIRROR_PROT_WRITE | MIRROR_PROT_PMD));
  yield* stage.protect(HUGE, READ);
  yield* expectSnapshot(window, new Array<number>(HUGE).fill(MIRROR_PROT_READ | MIRROR_PROT_PMD));
});

export const exclusiveTests: readonly Test[] = [
  /** A device has pages to itself until the CPU touches them, and no increment is lost. */
  story('exclusive', EXCLUSIVE, function* (stage) {
    const { window, context } = yield* exclusive(stage);
    expectEqual('pages that the device has to itself', context.countExclusive(BASE, PAGES), PAGES);
    yield* stage.expectRead(window, 'pages that it has to itself', PAGES, (page) => page);
    yield* increment(stage);
    yield* stage.expectSeen('what it counted', PAGES, (page) => page + 1);
    expectEqual('pages that the device has to itself', context.countExclusive(BASE, PAGES), 0);
  }),

  /** What the CPU may only read the device cannot write, though it had it to itself. */
  story('exclusive_mprotect', EXCLUSIVE, function* (stage) {
    const { window } = yield* exclusive(stage);
    yield* stage.protect(PAGES, READ);
    yield* stage.expectRefused(
      'a write to what may only be read now',
      stage.deviceWrite(window, PAGES, () => 9),
      'EPERM',
    );
    yield* stage.expectSeen('memory that could not be written', PAGES, (page) => page);
  }),

  /** After fork parent and child have pages of their own. */
  story('exclusive_cow', EXCLUSIVE, function* (stage) {
    const { context } = yield* exclusive(stage);
    const child = yield* stage.fork();
    yield* increment(stage);
    yield* stage.expectSeen('what it counted', PAGES, (page) => page + 1);
    yield* stage.expectSeen('what the parent counted', PAGES, (page) => page, child);
    expectEqual('pages that the device has to itself', context.countExclusive(BASE, PAGES), 0);
  }),
];

type Exclusive = Required<Pick<SvmContext, 'exclusive' | 'countExclusive'>>;

/** Pages that the device has to itself, counted through. */
function* exclusive(stage: Stage): Task<{ readonly window: Window; readonly context: Exclusive }> {
  yield* stage.map(PAGES, WRITE);
  yield* stage.fill(PAGES, (page) => page);
  const window = yield* stage.open(PAGES);
  const context = contextOf(window);
  if (!has(context, 'exclusive', 'countExclusive')) {
    throw new Unexpected('the manifest declares EXCLUSIVE, but contexts have no exclusive() or no countExclusive()');
  }
  // What it has of them it must let go of itself: the notification of this is of its own making.
  yield* stage.expectRead(window, 'memory', PAGES, (page) => page);
  yield* context.exclusive(BASE, PAGES);
  return { window, context };
}

/** The CPU adds one to each page. */
function* increment(stage: Stage): Task {
  for (let page = 0; page < PAGES; page++) {
    const [old] = yield* stage.load(address(page), 1);
    yield* stage.store(address(page), Uint8Array.of(old + 1));
  }
}

function* expectSnapshot(window: Window, expected: readonly number[]): Task {
  const context = contextOf(window);
  if (!has(context, 'snapshot'))
    throw new Unexpected('the manifest declares SNAPSHOT, but contexts have no snapshot()');
  const found = yield* context.snapshot(BASE, expected.length);
  for (const [page, prot] of expected.entries()) {
    expectEqual(`the snapshot of page ${String(page)}`, protName(found[page]), protName(prot));
  }
}

function has<K extends keyof SvmContext>(
  context: SvmContext,
  ...methods: readonly K[]
): context is SvmContext & Required<Pick<SvmContext, K>> {
  return methods.every((method) => typeof context[method] === 'function');
}

function contextOf(window: Window): SvmContext {
  if (window instanceof OpenProcess) return window.context;
  throw new Error('only a device with shared virtual memory has contexts');
}

/** HMM_DMIRROR_PROT_* in words. */
function protName(prot: number): string {
  if (prot === MIRROR_PROT_ERROR) return 'ERROR';
  const flags = [
    (prot & MIRROR_PROT_ZERO) !== 0 ? 'ZERO' : '',
    (prot & MIRROR_PROT_READ) !== 0 ? 'READ' : '',
    (prot & MIRROR_PROT_WRITE) !== 0 ? 'WRITE' : '',
    (prot & MIRROR_PROT_PMD) !== 0 ? 'PMD' : '',
  ];
  return prot === MIRROR_PROT_NONE ? 'NONE' : flags.filter((flag) => flag !== '').join('|');
}
