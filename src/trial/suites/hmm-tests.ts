import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE } from '../../base/index.js';
import { RandomStream, US, type Task } from '../../engine/index.js';
import { mremap } from '../../mm/index.js';
import { expectEqual } from '../expect.js';
import { BASE, NONE, READ, SHARED, WRITE, address, type Stage } from '../stage.js';
import type { Suite } from '../suite.js';
import { compound, exclusiveTests, mixedmap, snapshot } from './hmm-capability-tests.js';
import { FOLLOWS } from './needs.js';
import { story } from './story.js';

const PAGES = 256;
const FEW = 16;
const HUGE = PTRS_PER_PTE;
/** Where memory is moved to, in pages. */
const ELSEWHERE = (4 * HPAGE_SIZE) / PAGE_SIZE;

const NO_DEVICE_MEMORY = 'the contract has no memory of a device’s own to migrate to';

/**
 * The selftests of HMM (tools/testing/selftests/mm/hmm-tests.c) that need no device memory, by their names there. What is
 * asserted is what the device and the CPU see; how many faults it took is the device's own business.
 */
export const hmmTests: Suite = {
  name: 'hmm-tests',
  title: 'the portable selftests of Linux’s HMM',
  tests: [
    story('open_close', FOLLOWS, openClose),
    story('anon_read', FOLLOWS, anonRead),
    story('anon_read_prot', FOLLOWS, anonReadProt),
    story('anon_write', FOLLOWS, anonWrite),
    story('anon_write_prot', FOLLOWS, anonWriteProt),
    story('anon_write_child', FOLLOWS, (stage) => anonWriteChild(stage, FEW)),
    story('anon_write_child_thp', FOLLOWS, (stage) => anonWriteChild(stage, HUGE)),
    story('anon_write_child_shared', FOLLOWS, anonWriteChildShared),
    story('anon_write_huge', FOLLOWS, (stage) => writeAll(stage, HUGE, WRITE)),
    story('anon_write_hugetlbfs', FOLLOWS, hugetlbfs),
    story('file_read', FOLLOWS, fileRead),
    story('file_write', FOLLOWS, fileWrite),
    story('anon_read_multiple', FOLLOWS, anonReadMultiple),
    story('anon_teardown', FOLLOWS, anonTeardown, { seeds: 40 }),
    mixedmap,
    snapshot,
    compound,
    story('double_map', FOLLOWS, doubleMap),
    ...exclusiveTests,
    story('migrate_remap_fault', FOLLOWS, (stage) => remap(stage, FEW, false)),
    story('migrate_remap_fault_thp', FOLLOWS, (stage) => remap(stage, HUGE, false)),
    story('migrate_remap_fault_dontunmap', FOLLOWS, (stage) => remap(stage, FEW, true)),
    story('migrate', { nic: 'a NIC has no memory of its own', svm: NO_DEVICE_MEMORY, pins: null }, openClose),
  ],
};

function itself(page: number): number {
  return page;
}

function* openClose(stage: Stage): Task {
  yield* stage.map(4, WRITE);
  yield* stage.fill(4, () => 1);
  const window = yield* stage.open(4);
  yield* stage.expectRead(window, 'memory', 4, () => 1);
  yield* stage.close(window);
  yield* stage.munmap(0, 4);
}

/** Zeros where nothing was touched, values where something was; the CPU may only read. */
function* anonRead(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  for (let page = 2; page < PAGES; page += 3) yield* stage.store(address(page), Uint8Array.of(page));
  yield* stage.protect(PAGES, READ);
  const window = yield* stage.open(PAGES, 'read');
  yield* stage.expectRead(window, 'memory of which some was touched', PAGES, (page) => (page % 3 === 2 ? page : 0));
}

function* anonReadProt(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  yield* stage.fill(PAGES, itself);
  const window = yield* stage.open(PAGES, 'read');
  yield* stage.protect(PAGES, NONE);
  const target = new Uint8Array(PAGES * PAGE_SIZE).fill(0xaa);
  yield* stage.expectRefused('a read of what is PROT_NONE', window.read(BASE, target), 'EFAULT');
  expectEqual('the device’s buffer after a read that was refused', target[0], 0xaa);
  yield* stage.protect(PAGES, READ);
  yield* stage.expectSeen('memory that nobody has written', PAGES, itself);
  yield* stage.expectRead(window, 'memory that may be read again', PAGES, itself);
}

function* anonWrite(stage: Stage): Task {
  yield* writeAll(stage, PAGES, WRITE);
}

function* writeAll(stage: Stage, pages: number, flags: number): Task {
  yield* stage.map(pages, flags);
  const window = yield* stage.open(pages);
  yield* stage.expectWritten(window, 'fresh memory', pages, itself);
  yield* stage.expectSeen('what the device wrote', pages, itself);
}

/** The zero page is read, and never written. */
function* anonWriteProt(stage: Stage): Task {
  yield* stage.map(PAGES, READ);
  const reader = yield* stage.open(PAGES, 'read');
  yield* stage.expectRead(reader, 'untouched memory', 1, () => 0);
  const writer = yield* stage.open(PAGES);
  yield* stage.expectRefused(
    'a write to a mapping for reading',
    stage.deviceWrite(writer, PAGES, () => 9),
    'EPERM',
  );
  yield* stage.expectSeen('memory that could not be written', PAGES, () => 0);
  yield* stage.protect(PAGES, WRITE);
  yield* stage.expectWritten(writer, 'memory that may be written now', PAGES / 2, (page) => page + 1);
  yield* stage.expectSeen('what the device wrote, and the zero page behind it', PAGES, (page) =>
    page < PAGES / 2 ? page + 1 : 0,
  );
}

/** Writing for one process copies: the other keeps what it had. */
function* anonWriteChild(stage: Stage, pages: number): Task {
  yield* stage.map(pages, WRITE);
  yield* stage.fill(pages, itself);
  const window = yield* stage.open(pages);
  yield* stage.expectWritten(window, 'memory of the parent', pages, itself);
  const child = yield* stage.fork();
  const childs = yield* stage.open(pages, 'write', { process: child });
  yield* stage.expectWritten(childs, 'memory of the child', pages, (page) => page + 7);
  yield* stage.expectSeen('what the device wrote for it', pages, (page) => page + 7, child);
  yield* stage.expectSeen('what the device wrote for the child', pages, itself);
  yield* stage.expectWritten(window, 'memory of the parent, shared with the child once', pages, () => 99);
  yield* stage.expectSeen('what the device wrote for the parent', pages, (page) => page + 7, child);
  yield* stage.expectSeen('what the device wrote for it', pages, () => 99);
}

function* anonWriteChildShared(stage: Stage): Task {
  yield* stage.map(FEW, WRITE | SHARED, stage.shmem(FEW));
  yield* stage.fill(FEW, itself);
  const child = yield* stage.fork();
  const window = yield* stage.open(FEW, 'write', { process: child });
  yield* stage.expectWritten(window, 'shared memory', FEW, (page) => page + 7);
  yield* stage.expectSeen('what the device wrote for the child', FEW, (page) => page + 7);
}

function* hugetlbfs(stage: Stage): Task {
  yield* stage.map(HUGE, WRITE, stage.hugetlb());
  const window = yield* stage.open(HUGE);
  yield* stage.expectWritten(window, 'huge pages of hugetlb', HUGE, itself);
  yield* stage.expectSeen('what the device wrote', HUGE, itself);
}

function* fileRead(stage: Stage): Task {
  const file = stage.ext4(FEW);
  for (let page = 0; page < FEW; page++) yield* stage.kernel.pwrite(file, page * PAGE_SIZE, 1, Uint8Array.of(page));
  yield* stage.map(FEW, READ | SHARED, file);
  const window = yield* stage.open(FEW, 'read');
  yield* stage.expectRead(window, 'a file that is mapped shared', FEW, itself);
}

/** In the mapping, and for read(2). */
function* fileWrite(stage: Stage): Task {
  const file = stage.ext4(FEW);
  yield* stage.map(FEW, WRITE | SHARED, file);
  const window = yield* stage.open(FEW);
  yield* stage.expectWritten(window, 'a file that is mapped shared', FEW, (page) => page + 1);
  yield* stage.expectSeen('what the device wrote', FEW, (page) => page + 1);
  for (let page = 0; page < FEW; page++) {
    const target = new Uint8Array(1);
    yield* stage.kernel.pread(file, page * PAGE_SIZE, target);
    expectEqual(`what the device wrote to page ${String(page)}, for read(2)`, target[0], page + 1);
  }
}

function* anonReadMultiple(stage: Stage): Task {
  for (let round = 0; round < 10; round++) {
    yield* stage.map(FEW, WRITE);
    yield* stage.fill(FEW, (page) => page + round);
    const window = yield* stage.open(FEW);
    yield* stage.expectRead(window, `memory of round ${String(round)}`, FEW, (page) => page + round);
    yield* stage.close(window);
    yield* stage.munmap(0, FEW);
  }
}

/** Half of the memory goes while the device reads: it gets an error, or all that was there. */
function* anonTeardown(stage: Stage): Task {
  const { simulation } = stage.world;
  yield* stage.map(PAGES, WRITE);
  yield* stage.fill(PAGES, itself);
  const window = yield* stage.open(PAGES);
  const target = new Uint8Array(PAGES * PAGE_SIZE);
  const read = simulation.spawn('read', window.read(BASE, target));
  const delay = new RandomStream(simulation.seed).below(500);
  // A device without a bus answers within a step: the race is then who goes first.
  if (simulation.seed % 2 === 0) yield delay * US;
  else for (let steps = delay % 12; steps > 0; steps--) yield 0;
  yield* stage.munmap(PAGES / 2, PAGES / 2);
  yield read;
  if (read.result !== null) {
    expectEqual('a read of which half was unmapped', read.result, stage.device.refusal('EFAULT'));
    return;
  }
  for (let page = 0; page < PAGES; page++) {
    expectEqual(`page ${String(page)} of a read that was complete`, target[page * PAGE_SIZE], page & 0xff);
  }
}

/** Two devices have the same pages, and both follow. */
function* doubleMap(stage: Stage): Task {
  yield* stage.map(FEW, WRITE);
  yield* stage.fill(FEW, itself);
  const first = yield* stage.open(FEW);
  const second = yield* stage.open(FEW, 'write', { device: stage.newDevice('device1') });
  yield* stage.expectRead(first, 'the memory of both', FEW, itself);
  yield* stage.expectRead(second, 'the memory of both', FEW, itself);
  yield* stage.expectWritten(second, 'the memory of both', FEW, (page) => page + 1);
  yield* stage.expectRead(first, 'what the other device wrote', FEW, (page) => page + 1);
  yield* stage.kernel.madviseDontneed(stage.process, BASE, FEW * PAGE_SIZE);
  yield* stage.expectRead(first, 'memory that was given up', FEW, () => 0);
  yield* stage.expectRead(second, 'memory that was given up', FEW, () => 0);
}

/** Memory that has moved is found where it is now, and not where it was. */
function* remap(stage: Stage, pages: number, dontunmap: boolean): Task {
  yield* stage.map(pages, WRITE);
  const window = yield* stage.open(pages);
  yield* stage.expectWritten(window, 'memory', pages, itself);
  const bytes = pages * PAGE_SIZE;
  yield* mremap(stage.process.mm, BASE, bytes, bytes, { to: address(ELSEWHERE), dontunmap });
  const there = yield* stage.open(pages, 'write', { page: ELSEWHERE });
  yield* stage.expectRead(there, 'memory that has moved', pages, itself, ELSEWHERE);
  if (dontunmap) yield* stage.expectRead(window, 'where it was', pages, () => 0);
  else yield* stage.expectRefused('a read where it was', window.read(BASE, new Uint8Array(1)), 'EFAULT');
}
