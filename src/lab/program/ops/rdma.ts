import { Errno, PAGE_SIZE, isErrno } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import {
  IBV_ACCESS_HUGETLB,
  IBV_ACCESS_LOCAL_WRITE,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
} from '../../../../devices/contract/index.js';
import { addressIn, type Area } from '../areas.js';
import { newBuffer } from '../buffer.js';
import type { AtomicResult, ProgramMr, Status } from '../device/program-device.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import { listed, pagesOf, runLengths } from '../pages-of.js';
import type { ProgramWorld } from '../program-world.js';
import type { StepResult } from '../recorded.js';

const ACCESS: Readonly<Record<string, number>> = {
  lw: IBV_ACCESS_LOCAL_WRITE,
  rw: IBV_ACCESS_REMOTE_WRITE,
  rr: IBV_ACCESS_REMOTE_READ,
  ra: IBV_ACCESS_REMOTE_ATOMIC,
  huge: IBV_ACCESS_HUGETLB,
  none: 0,
};

/** The registration of the region had failed: nothing was done. */
const NO_MR: StepResult = { status: 'NO_MR' };

/** Verbs and work requests. */
export const rdmaOps = {
  *mr(world, args) {
    const area = world.areas.get(args.map);
    world.mrs.set(args.name, { area, mr: null });
    const mr = yield* world.device.regMr(
      {
        mm: world.mm,
        start: addressIn(area, args.first) + args.offset,
        length: args.len ?? args.pages * PAGE_SIZE,
        access: args.access.split(',').reduce((bits, word) => bits | ACCESS[word], 0),
      },
      args.mode === 'odp',
    );
    world.mrs.set(args.name, { area, mr });
    return DONE;
  },

  /** rxe cannot re-register what faults on demand: IB_MR_REREG_ACCESS and _TRANS are refused for all. */
  *rereg_mr() {
    return { rereg: -4, errno: 'EOPNOTSUPP' };
  },

  *dereg(world, args) {
    const { mr } = regionOf(world, args.mr);
    if (mr !== null) yield* mr.deregister();
    world.mrs.delete(args.mr);
    return DONE;
  },

  *advise_mr(world, args) {
    const { area, mr } = regionOf(world, args.mr);
    if (mr === null || args.lkey !== undefined) throw new Errno('EINVAL', 'advise_mr with a key of nobody');
    const advise = mr.advise(args.advice, addressIn(area, args.first), args.pages * PAGE_SIZE);
    if (args.flush === 1) {
      yield* advise;
      return DONE;
    }
    yield* byNic(world, quietly(advise));
    return DONE;
  },

  *keeper(world) {
    world.recorder.subscribed = true;
    return DONE;
  },

  *rdma_write(world, args) {
    const { area, mr } = regionOf(world, args.mr);
    if (mr === null) return NO_MR;
    const data = newBuffer(args.len, args.value);
    const statuses: Status[] = [];
    for (const page of pagesOf(args)) {
      statuses.push(yield* byNic(world, mr.write(addressIn(area, page) + args.offset, data)));
    }
    return statusOf(statuses);
  },

  *rdma_read(world, args) {
    const { area, mr } = regionOf(world, args.mr);
    if (mr === null) return NO_MR;
    const data = newBuffer(args.len);
    const statuses: Status[] = [];
    const values: (number | null)[] = [];
    for (const page of pagesOf(args)) {
      const status = yield* byNic(world, mr.read(addressIn(area, page) + args.offset, data));
      statuses.push(status);
      values.push(status === 'SUCCESS' ? data[0] : null);
    }
    const result = statusOf(statuses);
    return values.length === 1 && values[0] === null ? result : { ...result, ...listed('value', 'values', values) };
  },

  *rdma_faa(world, args) {
    return yield* atomic(world, args.mr, args.page, (mr, address) => mr.fetchAndAdd(address, BigInt(args.add)));
  },

  *rdma_cas(world, args) {
    return yield* atomic(world, args.mr, args.page, (mr, address) =>
      mr.compareAndSwap(address, BigInt(args.cmp), BigInt(args.swap)),
    );
  },

  *recv(world, args) {
    const { area, mr } = regionOf(world, args.mr);
    if (mr === null) return NO_MR;
    const data = newBuffer(args.len, args.value);
    const { sender, receiver } = yield* byNic(world, mr.receive(addressIn(area, args.page), data));
    return { status: sender, recv_status: receiver };
  },

  *send(world, args) {
    return yield* gather(world, args, (mr, address, data) => mr.send(address, data));
  },

  *rdma_write_from(world, args) {
    return yield* gather(world, args, (mr, address, data) => mr.writeFrom(address, data));
  },
} satisfies OpHandlers;

function regionOf(world: ProgramWorld, name: string): { readonly area: Area; readonly mr: ProgramMr | null } {
  const region = world.mrs.get(name);
  if (region === undefined) throw new Error(`there is no memory region "${name}"`);
  return region;
}

function* atomic(
  world: ProgramWorld,
  name: string,
  page: number,
  request: (mr: ProgramMr, address: number) => Task<AtomicResult>,
): Task<StepResult> {
  const { area, mr } = regionOf(world, name);
  if (mr === null) return NO_MR;
  const { status, old } = yield* byNic(world, request(mr, addressIn(area, page)));
  if (status !== 'SUCCESS') return { status };
  return { status, old: old === 0n ? '0' : `0x${old.toString(16)}` };
}

function* gather(
  world: ProgramWorld,
  args: { readonly mr: string; readonly page: number; readonly len: number },
  request: (mr: ProgramMr, address: number, data: Uint8Array) => Task<Status>,
): Task<StepResult> {
  const { area, mr } = regionOf(world, args.mr);
  if (mr === null) return NO_MR;
  const data = newBuffer(args.len);
  const status = yield* byNic(world, request(mr, addressIn(area, args.page), data));
  return status === 'SUCCESS' ? { status, value: data[0] } : { status };
}

/** What the NIC's worker does is recorded as its own. */
function* byNic<T>(world: ProgramWorld, task: Task<T>): Task<T> {
  world.recorder.actor = 'nic';
  const result = yield* task;
  world.recorder.actor = undefined;
  return result;
}

/** The status of the last request that failed, and all of them if there were several. */
function statusOf(statuses: readonly Status[]): StepResult {
  const failed = statuses.findLast((status) => status !== 'SUCCESS');
  if (failed === undefined) return { status: 'SUCCESS' };
  return statuses.length === 1 ? { status: failed } : { status: failed, statuses_rle: runLengths(statuses) };
}

function* quietly(task: Task): Task {
  try {
    yield* task;
  } catch (error) {
    if (!isErrno(error)) throw error;
  }
}
