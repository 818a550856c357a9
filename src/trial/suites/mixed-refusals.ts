import { PAGE_SIZE, isErrno, type ErrnoCode } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Channel, Refusal } from '../device/tried-device.js';
import { expectEqual } from '../expect.js';
import { BASE, READ, WRITE, type Stage } from '../stage.js';

/** Times that the queues start together. */
const ROUNDS = 6;

/**
 * Some queues read memory, and others may not write it. Both faults wait for the same page at the same time: a handler that
 * answers them as one gives the reads what the writes deserve.
 */
export function* refusedWrites(stage: Stage): Task {
  yield* stage.map(1, READ);
  const window = yield* stage.open(1);
  const refused = stage.device.refusal('EPERM');
  for (let round = 0; round < ROUNDS; round++) {
    yield* stage.kernel.madviseDontneed(stage.process, BASE, PAGE_SIZE);
    yield* together(
      stage,
      [null, refused, null, refused].map((expected) => accessing(window.channel(), expected === null, expected)),
    );
  }
}

/** Two processes have something else at the same address: what is refused to one is not refused to the other. */
export function* twoProcesses(stage: Stage): Task {
  yield* stage.map(1, WRITE);
  const other = stage.newProcess('other');
  const windows = [yield* stage.open(1), yield* stage.open(1, 'write', { process: other })];
  const refused = stage.device.refusal('EFAULT');
  for (let round = 0; round < ROUNDS; round++) {
    yield* stage.kernel.madviseDontneed(stage.process, BASE, PAGE_SIZE);
    yield* together(
      stage,
      [1, 0, 1, 0].map((which) => accessing(windows[which].channel(), false, which === 0 ? null : refused)),
    );
  }
}

/** A process goes while a device has it open. Nothing is there any more, and the device says so. */
export function* processGone(stage: Stage): Task {
  const { kernel } = stage;
  const process = stage.newProcess('gone');
  yield* kernel.mmap(process, { address: BASE, length: PAGE_SIZE, prot: 'rw', share: 'private' });
  const window = yield* stage.open(1, 'write', { process });
  expectEqual('a write before exit', yield* window.write(BASE, new Uint8Array(8)), null);
  yield* kernel.exit(process);
  const refused = stage.device.refusal('EINVAL');
  expectEqual('a read after exit', yield* window.read(BASE, new Uint8Array(8)), refused);
  expectEqual('a write after exit', yield* window.write(BASE, new Uint8Array(8)), refused);
}

/** What cannot be opened leaves nothing behind: no key, no subscription. The process has gone, so nobody can subscribe to it. */
export function* failedOpen(stage: Stage): Task {
  const process = stage.newProcess('gone');
  yield* stage.kernel.exit(process);
  expectEqual('to open a process that has gone', yield* errnoOf(stage.open(1, 'write', { process })), 'EINVAL');
}

function* errnoOf(task: Task<unknown>): Task<ErrnoCode | null> {
  try {
    yield* task;
    return null;
  } catch (error) {
    if (isErrno(error)) return error.code;
    throw error;
  }
}

function* together({ world: { simulation } }: Stage, tasks: readonly Task[]): Task {
  const handles = tasks.map((task, queue) => simulation.spawn(`queue ${String(queue)}`, task));
  for (const handle of handles) yield handle;
}

function* accessing(channel: Channel, isRead: boolean, expected: Refusal): Task {
  const bytes = new Uint8Array(8);
  const ended = yield* isRead ? channel.read(BASE, bytes) : channel.write(BASE, bytes);
  const whether = expected === null ? 'could' : 'could not';
  expectEqual(`a ${isRead ? 'read' : 'write'} that the CPU ${whether} make`, ended, expected);
}
