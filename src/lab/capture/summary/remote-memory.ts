import type { FlowFacts, HostRegion, RequestRecord } from '../flows/index.js';
import type { AnnouncedRegion } from '../packets/index.js';
import { PageRanges } from './page-ranges.js';
import type { VaRange } from './page-ranges.js';

/** How an rkey's use came to an end. */
export type RemoteKeyEnd =
  /** A SEND with Invalidate named it. */
  | { readonly how: 'invalidated'; readonly timeNs: number; readonly frame: number }
  /** The same index (rkey >> 8) came into use with another key byte. */
  | { readonly how: 'superseded'; readonly timeNs: number; readonly frame: number; readonly by: number }
  /** The last of the connections that it was used on was given up: whoever registered it is gone, or will do so now. */
  | { readonly how: 'disconnected'; readonly timeNs: number; readonly frame: number }
  | { readonly how: 'never' };

/** Memory that requests reached through one rkey, from its first use to its end. The same rkey may live more than once. */
export interface RemoteKey {
  /** Address of the host whose memory it is. */
  readonly owner: string;
  readonly rKey: number;
  /** The region as its owner announced it; undefined if it did not, or not so that these requests fit. */
  readonly region: VaRange | undefined;
  /** Lowest address touched, and the one behind the highest. */
  readonly minAddress: bigint;
  readonly maxAddress: bigint;
  /** Pages written by RDMA WRITE, ATOMIC WRITE and atomics; pages read by RDMA READ. Page-aligned, ascending, disjoint. */
  readonly written: readonly VaRange[];
  readonly read: readonly VaRange[];
  /** True when the ranges hold pages that were not touched, because there were too many to keep apart. */
  readonly approximate: boolean;
  readonly writes: number;
  readonly bytesWritten: number;
  readonly reads: number;
  readonly bytesRead: number;
  readonly atomics: number;
  readonly flushes: number;
  readonly firstUseNs: number;
  /** First frame of its first request. */
  readonly firstUseFrame: number;
  readonly lastUseNs: number;
  /** Queue pairs of the owner that the requests came in on. */
  readonly responderQpns: readonly number[];
  readonly end: RemoteKeyEnd;
}

/** Lives of rkeys kept; requests to later ones are counted only. */
const MAX_REMOTE_KEYS = 1 << 18;

const PAGE_SHIFT = 12;
const PAGES_PER_HIGH_WORD = 2 ** (32 - PAGE_SHIFT);
const TWO_TO_32 = 2 ** 32;
/** FETH selectivity: the whole region, whatever address and length say. */
const FLUSH_WHOLE_REGION = 1;
const NEVER: RemoteKeyEnd = { how: 'never' };

class KeyUse {
  readonly written = new PageRanges();
  readonly read = new PageRanges();
  private flows: FlowFacts[] | Set<FlowFacts>;
  writes = 0;
  bytesWritten = 0;
  reads = 0;
  bytesRead = 0;
  atomics = 0;
  flushes = 0;
  lastUseNs = 0;
  end: RemoteKeyEnd = NEVER;
  private minHi = 0xffffffff;
  private minLo = 0xffffffff;
  private lastHi = 0;
  private lastLo = 0;
  private touched = false;

  constructor(
    readonly rKey: number,
    private readonly first: { readonly flow: FlowFacts; readonly timeNs: number; readonly frame: number },
  ) {
    this.flows = [first.flow];
  }

  /** Number of its owner in the host table. */
  get host(): number {
    return this.first.flow.responderHost;
  }

  use(request: RequestRecord, length: number): void {
    this.noteFlow(request.flow);
    this.lastUseNs = Math.max(this.lastUseNs, request.lastTimeNs);
    switch (request.operation) {
      case 'RDMA_WRITE':
      case 'ATOMIC_WRITE':
        this.writes++;
        this.bytesWritten += length;
        this.touch(this.written, request, length);
        break;
      case 'RDMA_READ':
        this.reads++;
        this.bytesRead += length;
        this.touch(this.read, request, length);
        break;
      case 'FLUSH':
        this.flushes++;
        if (request.selectivity !== FLUSH_WHOLE_REGION) this.reach(request, length);
        break;
      default:
        this.atomics++;
        this.touch(this.written, request, length);
    }
  }

  /** Most rkeys are used on one connection, and a set for each of them would be most of their memory. */
  private noteFlow(flow: FlowFacts): void {
    if (this.flows instanceof Set) this.flows.add(flow);
    else if (this.flows[0] !== flow) this.flows = new Set([...this.flows, flow]);
  }

  private touch(pages: PageRanges, request: RequestRecord, length: number): void {
    const { lastHi, lastLo } = lastByte(request, length);
    pages.add(pageOf(request.vaHi, request.vaLo), pageOf(lastHi, lastLo));
    this.reach(request, length);
  }

  /** The region goes at least that far. */
  private reach(request: RequestRecord, length: number): void {
    if (length === 0) return;
    const { vaHi, vaLo } = request;
    const { lastHi, lastLo } = lastByte(request, length);
    this.touched = true;
    if (vaHi < this.minHi || (vaHi === this.minHi && vaLo < this.minLo)) {
      this.minHi = vaHi;
      this.minLo = vaLo;
    }
    if (lastHi > this.lastHi || (lastHi === this.lastHi && lastLo > this.lastLo)) {
      this.lastHi = lastHi;
      this.lastLo = lastLo;
    }
  }

  /** @param announced the region that its owner announced under this rkey, if any */
  toRemoteKey(announced: AnnouncedRegion | undefined): RemoteKey {
    const { first, rKey, writes, bytesWritten, reads, bytesRead, atomics, flushes, lastUseNs } = this;
    const minAddress = this.touched ? wide(this.minHi, this.minLo) : 0n;
    const maxAddress = this.touched ? wide(this.lastHi, this.lastLo) + 1n : 0n;
    return {
      owner: first.flow.responder,
      rKey,
      region: announced === undefined ? undefined : rangeAround(announced, minAddress, maxAddress),
      minAddress,
      maxAddress,
      written: this.written.toVaRanges(),
      read: this.read.toVaRanges(),
      approximate: this.written.approximate || this.read.approximate,
      writes,
      bytesWritten,
      reads,
      bytesRead,
      atomics,
      flushes,
      firstUseNs: first.timeNs,
      firstUseFrame: first.frame,
      lastUseNs,
      responderQpns: [...new Set([...this.flows].map(({ responderQpn }) => responderQpn))],
      end: this.end === NEVER ? this.lastDisconnection() : this.end,
    };
  }

  private lastDisconnection(): RemoteKeyEnd {
    let last: RemoteKeyEnd = NEVER;
    for (const { disconnected } of this.flows) {
      if (disconnected === undefined) return NEVER;
      if (last.how === 'never' || disconnected.timeNs > last.timeNs) last = { how: 'disconnected', ...disconnected };
    }
    return last;
  }
}

/** Which memory the requests of a capture reached, by owner and rkey. */
export class RemoteMemory {
  /** Requests to rkeys beyond {@link MAX_REMOTE_KEYS}. */
  omittedRequests = 0;
  private readonly lives: KeyUse[] = [];
  /** The latest life of an index; what it is an index of is the owner's table of keys. */
  private readonly byIndex = new Map<number, KeyUse>();

  /** Takes requests in order of their first packets. */
  note(request: RequestRecord): void {
    if (request.invalidateRKey !== undefined) this.invalidate(request, request.invalidateRKey);
    if (request.operation === 'SEND') return;
    const length = request.complete ? request.length : request.received;
    // Neither address nor rkey of an empty READ or WRITE is looked at; UCX flushes with a WRITE of 0 bytes to rkey 0.
    if (length === 0 && request.operation !== 'FLUSH') return;
    const use = this.lifeOf(request.flow, request);
    if (use === undefined) this.omittedRequests++;
    else use.use(request, length);
  }

  /**
   * By first use.
   * @param regions what hosts have announced
   */
  list(regions: readonly HostRegion[]): RemoteKey[] {
    const announced = new Map(regions.map((region) => [region.host * TWO_TO_32 + region.rKey, region]));
    return this.lives.map((use) => use.toRemoteKey(announced.get(use.host * TWO_TO_32 + use.rKey)));
  }

  private lifeOf(flow: FlowFacts, request: RequestRecord): KeyUse | undefined {
    const slot = indexOf(flow, request.rKey);
    const latest = this.byIndex.get(slot);
    if (latest?.rKey === request.rKey && latest.end === NEVER) return latest;
    if (this.lives.length >= MAX_REMOTE_KEYS) return undefined;
    if (latest?.end === NEVER) {
      latest.end = { how: 'superseded', timeNs: request.timeNs, frame: request.frame, by: request.rKey };
    }
    const use = new KeyUse(request.rKey, { flow, timeNs: request.timeNs, frame: request.frame });
    this.lives.push(use);
    this.byIndex.set(slot, use);
    return use;
  }

  private invalidate({ flow, lastTimeNs, frame }: RequestRecord, rKey: number): void {
    const use = this.byIndex.get(indexOf(flow, rKey));
    if (use?.rKey === rKey && use.end === NEVER) use.end = { how: 'invalidated', timeNs: lastTimeNs, frame };
  }
}

/** Address of the last byte of a request, in halves. */
function lastByte({ vaHi, vaLo }: RequestRecord, length: number): { readonly lastHi: number; readonly lastLo: number } {
  const sum = vaLo + length - 1;
  return { lastHi: sum >= TWO_TO_32 ? vaHi + 1 : vaHi, lastLo: sum % TWO_TO_32 };
}

/** The range of a region, if [min, max) lies inside. */
function rangeAround({ address, length }: AnnouncedRegion, min: bigint, max: bigint): VaRange | undefined {
  const end = address + length;
  return min === max || (address <= min && max <= end) ? { start: address, end } : undefined;
}

function indexOf(flow: FlowFacts, rKey: number): number {
  return flow.responderHost * TWO_TO_32 + (rKey >>> 8);
}

function pageOf(hi: number, lo: number): number {
  return hi * PAGES_PER_HIGH_WORD + (lo >>> PAGE_SHIFT);
}

function wide(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo);
}
