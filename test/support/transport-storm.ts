import { RandomPolicy, RandomStream, US, type Task } from '../../src/engine/index.js';
import type { MemoryRegion } from '../../devices/contract/index.js';
import {
  CONNECTX,
  RXE,
  type Nic,
  type SendWorkRequest,
  type Sge,
  type WcStatus,
  type WorkCompletion,
} from '../../devices/nic/index.js';
import { CLIENT_BASE, ClientRegion } from './client-region.js';
import { BASE, RdmaPair, pattern } from './rdma-pair.js';

const REQUESTS = 24;
/** Each request has its own place on either side; before them lies a page of atomics. */
const SLOT = 3 * 4096;
const PAGES = 1 + (REQUESTS * SLOT) / 4096;
const ERRORS = {
  'unknown rkey': 'IBV_WC_REM_ACCESS_ERR',
  'bytes outside the region': 'IBV_WC_REM_ACCESS_ERR',
  'unaligned atomic': 'IBV_WC_REM_INV_REQ_ERR',
  'unknown lkey': 'IBV_WC_LOC_PROT_ERR',
} as const;

/** The request of a storm that cannot succeed, and how it must end. */
export interface Planted {
  readonly index: number;
  readonly status: WcStatus;
  readonly local: boolean;
}

/**
 * A random mix of requests between a client and a server whose packets get lost, whose pages come and go, and whose
 * receives come late; what each completion promises is looked up in memory at its very instant.
 */
export class TransportStorm {
  readonly statuses: WcStatus[] = [];
  readonly random: RandomStream;
  readonly lossy: boolean;
  readonly planted: Planted | null;
  /** What was promised and is not so. */
  readonly broken: string[] = [];

  private readonly pair: RdmaPair;
  private readonly local: ClientRegion;
  private readonly region: MemoryRegion;
  /** Requests in the order of posting, and what receives are posted for them. */
  private readonly requests: SendWorkRequest[] = [];
  private readonly receiveTargets: (Uint8Array | Sge)[] = [];
  /** What is to be looked up when a request completes, at the end, and when a receive completes. */
  private readonly checks: ((completion: WorkCompletion) => void)[] = [];
  private readonly finalChecks: (() => void)[] = [];
  private readonly arrivals: ((completion: WorkCompletion) => void)[] = [];
  private atomics = 0;

  constructor(readonly seed: number) {
    const random = new RandomStream(seed);
    this.random = random;
    const driver = random.chance(0.7) ? 'odp' : 'pinned';
    const profile = random.chance(0.5) ? CONNECTX : RXE;
    const schedule = random.chance(0.5) ? { schedule: new RandomPolicy(random.split('schedule')) } : {};
    const pair = new RdmaPair({ driver, profile, pages: PAGES, seed, ...schedule });
    this.pair = pair;
    this.region = pair.run(pair.register());
    this.local = new ClientRegion(pair, driver, PAGES);
    for (const nic of [pair.client, pair.server]) this.watchUnmap(nic);

    const pathMtu = [256, 1024, 4096][random.below(3)];
    const psn = random.chance(0.5) ? 0xfffff0 : random.below(0x1000000);
    pair.connect({ pathMtu, sqPsn: psn, timeout: 9 }, { pathMtu, rqPsn: psn, timeout: 9 });
    const loss = [0, 0.01, 0.05][random.below(3)];
    this.lossy = loss > 0;
    const [there, back] = [random.split('there'), random.split('back')];
    if (this.lossy) {
      pair.client.egress.lossRule = () => there.chance(loss);
      pair.server.egress.lossRule = () => back.chance(loss);
    }
    const names = Object.keys(ERRORS) as (keyof typeof ERRORS)[];
    const name = names[random.below(names.length)];
    this.planted = random.chance(0.4)
      ? { index: random.below(REQUESTS), status: ERRORS[name], local: name === 'unknown lkey' }
      : null;
    for (let i = 0; i < REQUESTS; i++) this.prepare(i, this.planted?.index === i ? name : null);
  }

  /** Runs it; false if it has not ended after a long time. */
  run(): boolean {
    const { pair, random } = this;
    const { kernel, simulation } = pair.world;
    pair.completions.completions$.subscribe((completion) => {
      this.statuses.push(completion.status);
      if (completion.status === 'IBV_WC_SUCCESS') this.checks[completion.wrId](completion);
    });
    pair.receives.completions$.subscribe((completion) => {
      if (completion.status === 'IBV_WC_SUCCESS') this.arrivals[completion.wrId](completion);
    });
    const disturb = (name: string, times: number, action: () => Task<unknown>): void => {
      const when = random.split(name);
      const loop = function* (): Task {
        for (let i = 0; i < times; i++) {
          yield when.between(0, 400) * US;
          yield* action();
        }
      };
      simulation.spawn(name, loop());
    };
    disturb('fsync', 4, () => kernel.fsync(pair.inode));
    disturb('dontneed', 6, () => kernel.madviseDontneed(pair.process, BASE, PAGES * 4096));
    disturb('invalidation of the local side', 8, () => this.invalidateLocal());
    const waited = simulation.spawn('requests', this.postAll());
    simulation.run();
    for (const check of this.finalChecks) check();
    pair.rules.finish();
    return waited.result;
  }

  /**
   * Whether the answer to a request may not have been taken: it was lost, or its place in the region was missing when it
   * came. It is asked for again then, which is in vain if the other side has given up meanwhile.
   */
  mayMissAnswer(index: number): boolean {
    const { opcode, local } = this.requests[index];
    const scatters = opcode === 'RDMA_READ' || opcode === 'ATOMIC_FETCH_AND_ADD';
    return this.lossy || (scatters && !(local instanceof Uint8Array));
  }

  /** Atomics that were posted, and what memory says of them. */
  get counted(): { readonly posted: number; readonly inMemory: number } {
    return { posted: this.atomics, inMemory: this.pair.peek(0, 1)[0] };
  }

  /** What the two devices counted, and when it ended. */
  get counters(): object {
    const { client, server, world } = this.pair;
    return { client: client.stats, server: server.stats, now: world.simulation.now };
  }

  private *postAll(): Task<boolean> {
    const gaps = this.random.split('gaps');
    const { simulation } = this.pair.world;
    const deadline = simulation.now + 20_000_000 * US;
    simulation.spawn('receives', this.postReceives());
    for (const request of this.requests) {
      yield gaps.below(4) === 0 ? gaps.below(30) * US : 0;
      this.pair.requester.postSend(request);
    }
    while (this.statuses.length < REQUESTS && simulation.now < deadline) yield 100 * US;
    return this.statuses.length === REQUESTS;
  }

  private *postReceives(): Task {
    const when = this.random.split('receives');
    for (let wrId = 0; wrId < this.arrivals.length; wrId++) {
      yield when.chance(0.3) ? when.below(2000) * US : 0;
      this.pair.responder.postRecv({ wrId, local: this.receiveTargets[wrId], length: SLOT });
    }
  }

  private *invalidateLocal(): Task {
    const { notifiers } = this.local.process.mm;
    const range = notifiers.invalidateRangeStart('CLEAR', CLIENT_BASE, CLIENT_BASE + PAGES * 4096);
    if (range.holds > 0) yield range;
    yield 3 * US;
    notifiers.invalidateRangeEnd(range);
  }

  /** Decides what request number `i` is, and how to tell that it did what it says. */
  private prepare(i: number, error: keyof typeof ERRORS | null): void {
    const { random, region } = this;
    const offset = 4096 + i * SLOT + random.below(4000);
    const length = 1 + random.below(8000);
    const { rkey, iova } = region.mkey;
    const base = { wrId: i, remoteAddress: iova + offset, rkey };
    const kind = error === 'unaligned atomic' ? 3 : random.below(error === null ? 6 : 4);
    if (kind < 2) {
      this.prepareWrite({ ...base, opcode: 'RDMA_WRITE', length, local: null }, offset);
    } else if (kind === 2) {
      this.prepareRead(base, offset);
    } else if (kind === 3) {
      this.prepareAtomic({ ...base, remoteAddress: iova, opcode: 'ATOMIC_FETCH_AND_ADD', length: 8, local: null });
    } else if (kind === 4) {
      const local = this.source(offset, length);
      this.requests.push({ wrId: i, opcode: 'SEND', length, local: local.local });
      this.checks.push(() => undefined);
      this.expectArrival(offset, local.bytes);
    } else {
      const aligned = Math.ceil(offset / 8) * 8;
      const request = {
        ...base,
        remoteAddress: iova + aligned,
        opcode: 'ATOMIC_WRITE',
        length: 8,
        local: null,
      } as const;
      this.prepareWrite(request, aligned);
    }
    if (error !== null) this.spoil(error);
  }

  private prepareWrite(request: SendWorkRequest, offset: number): void {
    const { local, bytes } = this.source(offset, request.length);
    this.requests.push({ ...request, local });
    this.checks.push(() => {
      this.expectBytes(`WRITE ${String(request.wrId)}`, this.pair.peek(offset, bytes.length), bytes);
      // The buffer is the application's again: what it does to it must not show.
      if (local instanceof Uint8Array) local.fill(0xee);
      this.finalChecks.push(() => {
        this.expectBytes(`WRITE ${String(request.wrId)} at the end`, this.pair.peek(offset, bytes.length), bytes);
      });
    });
  }

  /** A READ of what an earlier WRITE wrote, else of what nobody has written. */
  private prepareRead(base: { wrId: number; remoteAddress: number; rkey: number }, offset: number): void {
    const writes = this.requests.filter(({ opcode, rkey }) => opcode === 'RDMA_WRITE' && rkey === base.rkey);
    const write = writes.at(this.random.below(Math.max(1, writes.length)));
    const length = write?.length ?? 3000;
    const expected = write === undefined ? new Uint8Array(length) : pattern(length, write.wrId);
    const bytes = new Uint8Array(length);
    const local = this.random.chance(0.5) ? bytes : this.local.sge(offset, length);
    const remoteAddress = write?.remoteAddress ?? base.remoteAddress;
    this.requests.push({ ...base, opcode: 'RDMA_READ', length, local, remoteAddress });
    this.checks.push(() => {
      const seen = local === bytes ? bytes : this.local.peek(offset, length);
      this.expectBytes(`READ ${String(base.wrId)}`, seen, expected);
    });
  }

  private prepareAtomic(request: SendWorkRequest): void {
    const before = this.atomics++;
    const bytes = new Uint8Array(8);
    const offset = 4096 + request.wrId * SLOT;
    const local = this.random.chance(0.5) ? bytes : this.local.sge(offset, 8);
    this.requests.push({ ...request, local, swapOrAdd: 1n });
    this.checks.push(() => {
      const seen = local === bytes ? bytes : this.local.peek(offset, 8);
      this.expectBytes(`FETCH_ADD ${String(request.wrId)}`, seen, Uint8Array.of(before, 0, 0, 0, 0, 0, 0, 0));
    });
  }

  /** The data of a request, in bytes or in the client's region. */
  private source(offset: number, length: number): { local: Uint8Array | Sge; bytes: Uint8Array } {
    const bytes = pattern(length, this.requests.length);
    if (this.random.chance(0.5)) return { local: bytes.slice(), bytes };
    this.local.store(offset, bytes);
    return { local: this.local.sge(offset, length), bytes };
  }

  private expectArrival(offset: number, bytes: Uint8Array): void {
    const target = new Uint8Array(SLOT);
    const sge = { lkey: this.region.mkey.rkey, address: BASE + offset, length: SLOT - 4096 };
    const local = this.random.chance(0.5) ? target : sge;
    const wrId = this.arrivals.length;
    this.receiveTargets.push(local);
    this.arrivals.push(({ byteLength }) => {
      const seen = local === target ? target.subarray(0, byteLength) : this.pair.peek(offset, byteLength);
      this.expectBytes(`receive ${String(wrId)}`, seen, bytes);
    });
  }

  private spoil(error: keyof typeof ERRORS): void {
    const request = this.requests.pop();
    if (request === undefined) return;
    const wrong: Record<keyof typeof ERRORS, Partial<SendWorkRequest>> = {
      'unknown rkey': { rkey: 0xbad00 },
      'bytes outside the region': { remoteAddress: this.region.mkey.iova + PAGES * 4096 - request.length + 8 },
      'unaligned atomic': { remoteAddress: this.region.mkey.iova + 4 },
      'unknown lkey': { local: { lkey: 0xbad00, address: CLIENT_BASE, length: request.length } },
    };
    this.requests.push({ ...request, ...wrong[error] });
  }

  private expectBytes(what: string, seen: Uint8Array, expected: Uint8Array): void {
    if (Buffer.compare(seen, expected) !== 0) this.broken.push(`${what}: not the bytes that it promises`);
  }

  /** No access to a page may be in flight when it has been taken from the device. */
  private watchUnmap(nic: Nic): void {
    const unmap = nic.unmap.bind(nic);
    const { broken } = this;
    nic.unmap = function* (mkey, firstPage, pages): Task {
      yield* unmap(mkey, firstPage, pages);
      for (const op of nic.dma.inFlight()) {
        if (op.mkey !== mkey) continue;
        const page = Math.floor(op.address / 4096) - Math.floor(mkey.iova / 4096);
        if (page >= firstPage && page < firstPage + pages) broken.push(`a ${op.kind} is in flight after unmap`);
      }
    };
  }
}
