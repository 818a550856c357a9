import type { Task } from '../../engine/index.js';
import type { NicCapability } from '../../../devices/contract/index.js';
import { expectEqual } from '../expect.js';
import { tell, type Stage } from '../stage.js';
import type { Needs, Suite, Test } from '../suite.js';
import { MESSAGE, openPair, type OdpPair } from './odp-pair.js';

/** As many as test_odp.py makes. */
const ITERATIONS = 100;

const NO_QUEUE_PAIRS = 'the device has no queue pairs';
const RC_ONLY = 'the NIC model has RC only';
const NO_ADVISE = 'the driver contract has no ibv_advise_mr';
const NO_IMPLICIT = 'the driver contract has no implicit registration';

/**
 * rdma-core's tests/test_odp.py, by the names there without "test_odp_". Both sides have the driver that is tried; before each
 * of 100 iterations both give their buffers up with MADV_DONTNEED, and after it the payload is looked at.
 */
export const testOdp: Suite = {
  name: 'test_odp',
  title: 'rdma-core’s test_odp.py: traffic whose every message faults, on both sides',
  tests: [
    traffic('rc_traffic', ['IBV_ODP_SUPPORT_SEND', 'IBV_ODP_SUPPORT_RECV'], rcTraffic),
    unable('rc_mixed_mr', 'a work request of the NIC model has one SGE'),
    traffic('qp_ex_rc_atomic_write', ['IBV_ODP_SUPPORT_ATOMIC_WRITE'], atomicWrite),
    traffic('qp_ex_rc_flush', ['IBV_ODP_SUPPORT_WRITE', 'IBV_ODP_SUPPORT_FLUSH'], flush),
    traffic('rc_atomic_cmp_and_swp', ['IBV_ODP_SUPPORT_ATOMIC'], cmpAndSwp),
    traffic('rc_atomic_fetch_and_add', ['IBV_ODP_SUPPORT_ATOMIC'], fetchAndAdd),
    traffic('rc_rdma_read', ['IBV_ODP_SUPPORT_READ'], rdmaRead),
    traffic('rc_rdma_write', ['IBV_ODP_SUPPORT_WRITE'], rdmaWrite),
    unable('implicit_rc_traffic', NO_IMPLICIT),
    unable('ud_traffic', RC_ONLY),
    unable('xrc_traffic', RC_ONLY),
    traffic(
      'rc_huge_user_addr_traffic',
      ['IBV_ODP_SUPPORT_SEND', 'IBV_ODP_SUPPORT_RECV', 'IBV_ACCESS_HUGETLB'],
      rcTraffic,
      true,
    ),
    unable('sync_prefetch_rc_traffic', NO_ADVISE),
    unable('async_prefetch_rc_traffic', NO_ADVISE),
    unable('prefetch_sync_no_page_fault_rc_traffic', NO_ADVISE),
    unable('prefetch_async_no_page_fault_rc_traffic', NO_ADVISE),
  ],
};

/** One iteration, which is the `round`th; buffers are given up before it. */
type Iteration = (pair: OdpPair, round: number) => Task;

function traffic(name: string, capabilities: readonly NicCapability[], iteration: Iteration, huge = false): Test {
  const needs: Needs = { nic: capabilities, svm: NO_QUEUE_PAIRS, pins: null };
  return { name, needs, run: (subject) => tell(subject, (stage) => iterate(stage, iteration, huge)) };
}

/** A test that cannot be made, whatever the driver declares. */
function unable(name: string, why: string): Test {
  return {
    name,
    needs: { nic: why, svm: NO_QUEUE_PAIRS, pins: why },
    run: () => {
      throw new Error(`${name}: ${why}`);
    },
  };
}

function* iterate(stage: Stage, iteration: Iteration, huge: boolean): Task {
  const pair = yield* openPair(stage, huge);
  for (let round = 0; round < ITERATIONS; round++) {
    yield* pair.client.forcePageFaults();
    yield* pair.server.forcePageFaults();
    yield* iteration(pair, round);
  }
  yield* pair.client.deregister();
  yield* pair.server.deregister();
}

/** One after the other is the sender. */
function* rcTraffic({ client, server }: OdpPair, round: number): Task {
  const [from, to] = round % 2 === 0 ? [client, server] : [server, client];
  yield* from.fill(message(round));
  yield* from.send(to, MESSAGE);
  yield* to.expect('the message', message(round));
}

function* rdmaWrite({ client, server }: OdpPair, round: number): Task {
  yield* client.fill(message(round));
  yield* client.remote(server, { opcode: 'RDMA_WRITE', length: MESSAGE });
  yield* server.expect('what was written', message(round));
}

function* rdmaRead({ client, server }: OdpPair, round: number): Task {
  yield* server.fill(message(round));
  yield* client.remote(server, { opcode: 'RDMA_READ', length: MESSAGE });
  yield* client.expect('what was read', message(round));
}

function* atomicWrite({ client, server }: OdpPair, round: number): Task {
  yield* client.fill(message(round).subarray(0, 8));
  yield* client.remote(server, { opcode: 'ATOMIC_WRITE', length: 8 });
  yield* server.expect('what was written', message(round).subarray(0, 8));
}

/** Of the range, and of the region; for global visibility. */
function* flush(pair: OdpPair, round: number): Task {
  yield* rdmaWrite(pair, round);
  for (const selectivity of [0, 1]) {
    yield* pair.client.remote(pair.server, { opcode: 'FLUSH', length: MESSAGE, placement: 1, selectivity });
  }
  yield* pair.server.expect('what was written and flushed', message(round));
}

/** Every other comparison fails. */
function* cmpAndSwp({ client, server }: OdpPair, round: number): Task {
  const [old, swap] = [BigInt(round) * 3n + 1n, 0x1234_5678_9abc_def0n];
  yield* server.fill(word(old));
  const compare = round % 2 === 0 ? old : old + 1n;
  yield* client.remote(server, { opcode: 'ATOMIC_CMP_AND_SWP', length: 8, compare, swapOrAdd: swap });
  expectEqual('what compare and swap returned', wordIn(yield* client.load(8)), old);
  expectEqual('what it left', wordIn(yield* server.load(8)), compare === old ? swap : old);
}

/** Carries from byte to byte. */
function* fetchAndAdd({ client, server }: OdpPair, round: number): Task {
  const [old, add] = [0xffn, BigInt(round) + 1n];
  yield* server.fill(word(old));
  yield* client.remote(server, { opcode: 'ATOMIC_FETCH_AND_ADD', length: 8, swapOrAdd: add });
  expectEqual('what fetch and add returned', wordIn(yield* client.load(8)), old);
  expectEqual('what it left', wordIn(yield* server.load(8)), old + add);
}

/** Unlike the message of every other round. */
function message(round: number): Uint8Array {
  return Uint8Array.from({ length: MESSAGE }, (_, i) => (i * 5 + round * 3 + 1) & 0xff);
}

function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

function wordIn(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
