import 'reflect-metadata';
import { Rules } from '../src/check/index.js';
import { createWorld } from '../src/kernel/index.js';
import { CONNECTX, CompletionQueue, Nic, PacketPool, observeNic } from '../devices/nic/index.js';
import { OdpDriver } from '../devices/odp/index.js';
import { alternate, figure, timed, type Figure } from './measure.js';

const BYTES = 64 * 2 ** 20;
const ADDRESS = 0x10000000;
const DEPTH = 16;

const BOUNDS: readonly (readonly [size: number, atLeast: number])[] = [
  [4096, 0.55],
  [65_536, 0.65],
  [1_048_576, 0.7],
];

/** What the rules may cost of the throughput of WRITEs: a quarter. */
const UNDER_THE_RULES = 0.75;

/** S4: bytes per ns of WRITEs into memory that the device has mapped, rules and statistics on, trace off. */
export function s4(): Figure[] {
  const source = new Uint8Array(BYTES).fill(7);
  const from = Buffer.from(source.buffer);
  const to = Buffer.alloc(BYTES);
  const write = target(source, true);
  const againstCopy = BOUNDS.map(([size, atLeast]) => {
    const result = alternate(
      () => BYTES / write(size),
      () =>
        BYTES /
        timed(() => {
          for (let at = 0; at < BYTES; at += size) from.copy(to, at, at, at + size);
        }),
      9,
      3,
    );
    return figure({
      id: `S4-${String(size)}`,
      what: `WRITE of ${String(size)} bytes, bytes kept, rules on`,
      unit: 'GB/s',
      ...result,
      referenceIs: 'cold Buffer.copy of the same bytes in the same pieces',
      bound: { atLeast },
    });
  });
  return [...againstCopy, ...underTheRules(source, write)];
}

/** The same WRITEs with the rules and without: what watching costs. */
function underTheRules(source: Uint8Array, watched: (size: number) => number): Figure[] {
  const bare = target(source, false);
  return BOUNDS.map(([size]) => {
    const result = alternate(
      () => BYTES / watched(size),
      () => BYTES / bare(size),
      9,
      3,
    );
    return figure({
      id: `S4-rules-${String(size)}`,
      what: `WRITE of ${String(size)} bytes, bytes kept, rules on`,
      unit: 'GB/s',
      ...result,
      referenceIs: 'the same without the rules',
      bound: { atLeast: UNDER_THE_RULES },
    });
  });
}

/** A machine with 64 MiB registered on demand and in memory; returns what times WRITEs of a size over all of it. */
function target(source: Uint8Array, rulesOn: boolean): (size: number) => number {
  const world = createWorld({ memory: 2 ** 28 });
  const { kernel, simulation } = world;
  const pool = new PacketPool();
  const client = new Nic(simulation, kernel.mm.memory, pool, 'client', CONNECTX);
  const server = new Nic(simulation, kernel.mm.memory, pool, 'server', CONNECTX);
  const driver = new OdpDriver(server, kernel);
  server.attach(driver);
  if (rulesOn) {
    const rules = new Rules(kernel.mm);
    for (const nic of [client, server]) rules.watch(observeNic(nic));
  }
  const process = kernel.createProcess('server');
  const region = simulation.runTask(
    'set-up',
    (function* () {
      yield* kernel.mmap(process, { address: ADDRESS, length: BYTES, prot: 'rw', share: 'private' });
      yield* kernel.store(process, ADDRESS, BYTES, source);
      return yield* driver.regMr({ mm: process.mm, start: ADDRESS, length: BYTES, access: 0xf });
    })(),
  );
  const { rkey } = region.mkey;

  return (size) => {
    const cq = new CompletionQueue(simulation, 'cq');
    const requester = client.createQp({ sendCq: cq, recvCq: cq });
    const responder = server.createQp({ sendCq: cq, recvCq: cq });
    requester.connect(server, responder.qpn);
    responder.connect(client, requester.qpn);
    let at = 0;
    let completed = 0;
    const post = (): void => {
      if (at >= BYTES) return;
      const remoteAddress = ADDRESS + at;
      requester.postSend({
        wrId: at,
        opcode: 'RDMA_WRITE',
        length: size,
        local: source,
        localOffset: at,
        remoteAddress,
        rkey,
      });
      at += size;
    };
    cq.completions$.subscribe(({ status }) => {
      if (status !== 'IBV_WC_SUCCESS') throw new Error(`WRITE ended in ${status}`);
      completed += size;
      post();
    });
    const ns = timed(() => {
      for (let i = 0; i < DEPTH; i++) post();
      simulation.runUntilIdle();
    });
    if (completed !== BYTES) throw new Error(`${String(completed)} of ${String(BYTES)} bytes written`);
    client.destroyQp(requester);
    server.destroyQp(responder);
    return ns;
  };
}
