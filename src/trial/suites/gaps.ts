import { PAGE_SIZE } from '../../base/index.js';
import { RandomStream, US, type Task } from '../../engine/index.js';
import type { Inode } from '../../fs/index.js';
import { ADVICES, madvise } from '../../mm/index.js';
import { CONNECTX } from '../../../devices/nic/index.js';
import type { Window } from '../device/tried-device.js';
import { expectBytes, expectEqual } from '../expect.js';
import { BASE, SHARED, WRITE, address, type Stage } from '../stage.js';
import type { Suite } from '../suite.js';
import { failedOpen, processGone, refusedWrites, twoProcesses } from './mixed-refusals.js';
import { FOLLOWS, TRANSFERS } from './needs.js';
import { story } from './story.js';

const PAGES = 16;

/** Asks for the right to write only when it writes, as Soft-RoCE does: what was read first is then mapped for reading. */
const READS_FIRST = { ...CONNECTX, odp: { ...CONNECTX.odp, faultsForWriteIfWritable: false } };

/** What rdma-core's test_odp.py leaves out, and drivers have got wrong. */
export const gaps: Suite = {
  name: 'gaps',
  title:
    'what test_odp.py leaves out: offsets, page borders, many faults, read then write, fork, writeback, refusals, races',
  tests: [
    story('unaligned_region', TRANSFERS, unalignedRegion),
    story('page_crossing', TRANSFERS, pageCrossing),
    story('multi_fault_message', FOLLOWS, multiFaultMessage),
    story('read_then_write_anon', FOLLOWS, readThenWriteAnon, { profile: READS_FIRST }),
    story('read_then_write_file', FOLLOWS, readThenWriteFile, { profile: READS_FIRST }),
    story('read_then_write_cow', FOLLOWS, readThenWriteCow, { profile: READS_FIRST }),
    story('fork', FOLLOWS, fork),
    story('writeback', FOLLOWS, writeback),
    story('madv_free', FOLLOWS, madvFree),
    story('read_then_write_madv_free', FOLLOWS, readThenWriteMadvFree, { profile: READS_FIRST }),
    story('refused_writes', FOLLOWS, refusedWrites, { seeds: 10, profile: READS_FIRST }),
    story('two_processes', FOLLOWS, twoProcesses, { seeds: 10 }),
    story('process_gone', FOLLOWS, processGone),
    story('failed_open', FOLLOWS, failedOpen),
    story('concurrent_invalidation', FOLLOWS, concurrentInvalidation, { seeds: 40 }),
  ],
};

/** The region begins and ends within a page: its first byte is not the first of the page. */
function* unalignedRegion(stage: Stage): Task {
  yield* stage.map(4, WRITE);
  const start = BASE + 100;
  const window = yield* stage.openBytes(start, 3 * PAGE_SIZE - 300);
  yield* expectRoundTrip(stage, window, start, pattern(3 * PAGE_SIZE - 300, 1));
  yield* expectRoundTrip(stage, window, start + PAGE_SIZE + 1, pattern(64, 2));
  expectEqual('the byte before the region', (yield* stage.load(start - 1, 1))[0], 0);
  expectEqual('the byte behind the region', (yield* stage.load(start + 3 * PAGE_SIZE - 300, 1))[0], 0);
}

function* pageCrossing(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  // A driver that pins takes the pages as they are now.
  yield* stage.fill(PAGES, () => 0);
  const window = yield* stage.open(PAGES);
  for (let i = 0; i < 32; i++) {
    const at = BASE + (i % (PAGES - 3)) * PAGE_SIZE + PAGE_SIZE - 1 - i * 37;
    yield* expectRoundTrip(stage, window, at, pattern(2 * i * 61 + 3, i));
  }
}

/** Every other page is missing, or has gone since the last message. */
function* multiFaultMessage(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  const window = yield* stage.open(PAGES);
  for (let round = 0; round < 10; round++) {
    for (let page = round % 2; page < PAGES; page += 2) {
      yield* stage.kernel.madviseDontneed(stage.process, address(page), PAGE_SIZE);
    }
    yield* expectRoundTrip(stage, window, BASE + 13 * round, pattern(PAGES * PAGE_SIZE - 13 * round, round));
  }
}

/** F16: what was read is the zero page, which is everybody's. */
function* readThenWriteAnon(stage: Stage): Task {
  yield* stage.map(4, WRITE);
  yield* stage.load(address(0), 1);
  const window = yield* stage.open(4);
  yield* stage.expectRead(window, 'untouched memory', 2, () => 0);
  yield* stage.expectWritten(window, 'memory that it has read', 2, () => 7);
  yield* stage.expectSeen('what the device wrote, and untouched memory behind it', 4, (page) => (page < 2 ? 7 : 0));
}

/** F16: what was read is clean, and becomes dirty by page_mkwrite, or is never written back. */
function* readThenWriteFile(stage: Stage): Task {
  const file = stage.ext4(4);
  yield* stage.map(4, WRITE | SHARED, file);
  yield* stage.load(address(0), 1);
  const window = yield* stage.open(4);
  yield* stage.expectRead(window, 'a clean file', 2, () => 0);
  yield* stage.expectWritten(window, 'a file that it has read', 2, () => 7);
  yield* expectSynced(stage, file, 2);
}

/** F16: what was read is another process's as well, until it is copied. */
function* readThenWriteCow(stage: Stage): Task {
  yield* stage.map(2, WRITE);
  yield* stage.fill(2, () => 5);
  const child = yield* stage.fork();
  const window = yield* stage.open(2);
  yield* stage.expectRead(window, 'memory that is shared with a child', 2, () => 5);
  yield* stage.expectWritten(window, 'memory that is shared with a child', 2, () => 7);
  yield* stage.expectSeen('what the device wrote for it', 2, () => 7);
  yield* stage.expectSeen('what the device wrote for the parent', 2, () => 5, child);
}

/** The device has the pages for writing when the process forks. */
function* fork(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  const window = yield* stage.open(PAGES);
  for (let round = 0; round < 3; round++) {
    yield* stage.expectWritten(window, 'memory of the parent', PAGES, () => 2 * round);
    const child = yield* stage.fork();
    yield* stage.expectWritten(window, 'memory of the parent after fork', PAGES, () => 2 * round + 1);
    yield* stage.expectSeen('memory of the moment of fork', PAGES, () => 2 * round, child);
    yield* stage.expectSeen('what the device wrote', PAGES, () => 2 * round + 1);
  }
}

/** What is written between two fsyncs is written back by the second. */
function* writeback(stage: Stage): Task {
  const file = stage.ext4(PAGES);
  yield* stage.map(PAGES, WRITE | SHARED, file);
  const window = yield* stage.open(PAGES);
  for (let round = 1; round <= 4; round++) {
    yield* stage.expectWritten(window, 'a file', PAGES, () => round);
    yield* expectSynced(stage, file, PAGES);
    yield* expectSynced(stage, file, 0);
  }
  yield* stage.expectRead(window, 'a file that was written back', PAGES, () => 4);
}

/** F23: the CPU has given the page up, the device has written it since: it is wanted, and reclaim must know. */
function* madvFree(stage: Stage): Task {
  const { mm } = stage.process;
  yield* stage.map(4, WRITE);
  yield* stage.fill(4, () => 1);
  const window = yield* stage.open(4);
  yield* madvise(mm, BASE, 4 * PAGE_SIZE, ADVICES.free);
  yield* stage.expectWritten(window, 'memory that was given up', 4, () => 5);
  yield* madvise(mm, BASE, 4 * PAGE_SIZE, ADVICES.pageout);
  yield* stage.expectSeen('what the device wrote, after reclaim', 4, () => 5);
}

/** It reads the page, and writes it through the translation that the read has brought: no fault says so. */
function* readThenWriteMadvFree(stage: Stage): Task {
  const { mm } = stage.process;
  yield* stage.map(4, WRITE);
  yield* stage.fill(4, () => 1);
  const window = yield* stage.open(4);
  yield* madvise(mm, BASE, 4 * PAGE_SIZE, ADVICES.free);
  yield* stage.expectRead(window, 'memory that was given up', 4, () => 1);
  yield* stage.expectWritten(window, 'memory that was given up and read', 4, () => 5);
  yield* madvise(mm, BASE, 4 * PAGE_SIZE, ADVICES.pageout);
  yield* stage.expectSeen('what the device wrote, after reclaim', 4, () => 5);
}

/** Whatever is taken away meanwhile: what was written last to a page of a file is there in the end. */
function* concurrentInvalidation(stage: Stage): Task {
  const { simulation } = stage.world;
  const random = new RandomStream(simulation.seed);
  const file = stage.ext4(PAGES);
  yield* stage.map(PAGES, WRITE | SHARED, file);
  const window = yield* stage.open(PAGES);
  const last = new Map<number, number>();
  const writers = [0, 1, 2].map((queue) =>
    simulation.spawn(`queue ${String(queue)}`, writing(window, queue, last, random.split(`queue ${String(queue)}`))),
  );
  const taker = simulation.spawn('system calls', takingAway(stage, file, random.split('system calls')));
  for (const task of [...writers, taker]) yield task;
  yield* stage.expectSeen('what was written last', PAGES, (page) => last.get(page) ?? 0);
}

/** Each queue has pages of its own, so that it is known which write is the last. */
function* writing(window: Window, queue: number, last: Map<number, number>, random: RandomStream): Task {
  const channel = window.channel();
  for (let i = 1; i <= 20; i++) {
    const page = queue * 5 + random.below(5);
    const ended = yield* channel.write(address(page), Uint8Array.of(i));
    expectEqual('a write to what may be written', ended, null);
    last.set(page, i);
    yield random.below(100) * US;
  }
}

function* takingAway({ process, kernel }: Stage, file: Inode, random: RandomStream): Task {
  const { mm } = process;
  for (let i = 0; i < 20; i++) {
    yield random.below(300) * US;
    const page = random.below(PAGES - 4);
    const bytes = 4 * PAGE_SIZE;
    switch (random.below(4)) {
      case 0:
        yield* madvise(mm, address(page), bytes, ADVICES.dontneed);
        break;
      case 1:
        yield* madvise(mm, address(page), bytes, ADVICES.pageout);
        break;
      case 2:
        yield* kernel.fsync(file);
        break;
      default:
        yield* madvise(mm, address(page), bytes, ADVICES.cold);
    }
  }
}

/** The device writes, the CPU sees it, the device reads it back. */
function* expectRoundTrip(stage: Stage, window: Window, at: number, bytes: Uint8Array): Task {
  const what = `${String(bytes.length)} bytes at offset ${String(at - BASE)}`;
  expectEqual(`a write of ${what}`, yield* window.write(at, bytes), null);
  expectBytes(`${what} that the device wrote, as the CPU sees them`, yield* stage.load(at, bytes.length), bytes);
  const back = new Uint8Array(bytes.length);
  expectEqual(`a read of ${what}`, yield* window.read(at, back), null);
  expectBytes(`${what} that the device wrote, as it reads them`, back, bytes);
}

function* expectSynced({ kernel }: Stage, file: Inode, folios: number): Task {
  expectEqual('folios that fsync wrote back', (yield* kernel.fsync(file)).folios, folios);
}

/** Bytes that are unlike their neighbours: a misplaced one shows. */
function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed * 31 + 1) & 0xff);
}
