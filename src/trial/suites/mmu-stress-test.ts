import { PAGE_SIZE } from '../../base/index.js';
import { RandomStream, US, type Task } from '../../engine/index.js';
import type { Channel } from '../device/tried-device.js';
import { Unexpected, expectEqual } from '../expect.js';
import { READ, WRITE, address, type Stage } from '../stage.js';
import type { Suite } from '../suite.js';
import { FOLLOWS } from './needs.js';
import { story } from './story.js';

/** Queues of the device, in place of vCPUs, and pages that each has. */
const QUEUES = 4;
const EACH = 8;
const PAGES = QUEUES * EACH;

/** After KVM's mmu_stress_test.c. */
export const mmuStressTest: Suite = {
  name: 'mmu_stress_test',
  title: 'KVM’s: write, write again, read, write while mprotect takes the right away, and after munmap of half',
  tests: [story('', FOLLOWS, stress, { seeds: 25 })],
};

function* stress(stage: Stage): Task {
  yield* stage.map(PAGES, WRITE);
  const window = yield* stage.open(PAGES);
  const channels = Array.from({ length: QUEUES }, () => window.channel());
  yield* together(stage, channels, (channel, queue) => writeOwn(channel, queue, 1));
  yield* together(stage, channels, (channel, queue) => writeOwn(channel, queue, 2));
  yield* together(stage, channels, (channel, queue) => readOwn(channel, queue, 2));
  yield* raceWithMprotect(stage, channels);
  yield* stage.protect(PAGES, WRITE);
  yield* together(stage, channels, (channel, queue) => writeOwn(channel, queue, 200));
  yield* stage.expectSeen('what was written after mprotect(PROT_READ | PROT_WRITE)', PAGES, () => 200);
  yield* stage.munmap(PAGES / 2, PAGES / 2);
  yield* together(stage, channels, function* (channel, queue) {
    if (queue < QUEUES / 2) yield* writeOwn(channel, queue, 201);
    else yield* stage.expectRefused('a write to what is unmapped', write(channel, queue * EACH, 201), 'EFAULT');
  });
  yield* stage.expectSeen('what was written beside what is unmapped', PAGES / 2, () => 201);
}

/** Every queue writes until it gets an error: before mprotect there is none, after it there is nothing else. */
function* raceWithMprotect(stage: Stage, channels: readonly Channel[]): Task {
  const { simulation } = stage.world;
  let [begun, inPlace] = [false, false];
  const writers = channels.map((channel, queue) =>
    simulation.spawn(
      `queue ${String(queue)}`,
      (function* (): Task {
        for (let round = 0; ; round++) {
          const late = inPlace;
          const ended = yield* write(channel, queue * EACH + (round % EACH), 3 + (round % 100));
          if (ended !== null) {
            expectEqual('a write to what may only be read', ended, stage.device.refusal('EPERM'));
            if (!begun) throw new Unexpected('a write was refused before mprotect(PROT_READ) was called');
            return;
          }
          if (late) throw new Unexpected('a write that began when mprotect(PROT_READ) had returned was not refused');
          // Devices without a bus write in no time: others must have a turn.
          yield 1 * US;
        }
      })(),
    ),
  );
  yield new RandomStream(simulation.seed).below(800) * US;
  begun = true;
  yield* stage.protect(PAGES, READ);
  inPlace = true;
  const then = yield* stage.load(address(0), PAGES * PAGE_SIZE);
  for (const writer of writers) yield writer;
  const later = yield* stage.load(address(0), PAGES * PAGE_SIZE);
  expectEqual(
    'whether memory has changed after mprotect(PROT_READ)',
    then.some((byte, i) => byte !== later[i]),
    false,
  );
}

function* together(
  { world: { simulation } }: Stage,
  channels: readonly Channel[],
  work: (channel: Channel, queue: number) => Task,
): Task {
  const tasks = channels.map((channel, i) => simulation.spawn(`queue ${String(i)}`, work(channel, i)));
  for (const task of tasks) yield task;
}

function* writeOwn(channel: Channel, queue: number, value: number): Task {
  for (let i = 0; i < EACH; i++) {
    expectEqual('a write to what may be written', yield* write(channel, queue * EACH + i, value), null);
  }
}

function* readOwn(channel: Channel, queue: number, value: number): Task {
  for (let i = 0; i < EACH; i++) {
    const page = queue * EACH + i;
    const target = new Uint8Array(PAGE_SIZE);
    expectEqual('a read of what may be read', yield* channel.read(address(page), target), null);
    expectEqual(`page ${String(page)}, as the device reads it`, target[0], value);
  }
}

function* write(channel: Channel, page: number, value: number): Task<string | null> {
  return yield* channel.write(address(page), new Uint8Array(PAGE_SIZE).fill(value));
}
