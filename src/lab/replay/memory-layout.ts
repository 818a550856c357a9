import { PAGE_SIZE } from '../../base/index.js';
import type { RemoteKey } from '../capture/index.js';
import { MAX_KEY_PAGES, extentsOf, joined, totalPages, type Extent } from './extents.js';
import { USER_START, groups, place, type Segment } from './place-segments.js';

/** Pages of all segments of one host: file pages are 31-bit numbers. */
const MAX_HOST_PAGES = 1n << 30n;

/** One life of a key, and the part of the process that it is registered for. */
export class KeyLife {
  /** First byte and length of the registered region, page-aligned, in the process. */
  readonly address: number;
  readonly length: number;
  readonly writable: boolean;

  /** @param segments what it reaches, in order, side by side in the process; of the first and the last perhaps only a part */
  constructor(
    readonly key: RemoteKey,
    private readonly segments: readonly Segment[],
    { start, end }: Extent,
  ) {
    this.address = at(segments[0], start);
    this.length = at(segments[segments.length - 1], end) - this.address;
    this.writable = key.writes + key.atomics > 0;
  }

  get owner(): string {
    return this.key.owner;
  }

  get rKey(): number {
    return this.key.rKey;
  }

  /** Where `length` bytes at a captured address are in the process; null if they are not all behind this key. */
  locate(captured: bigint, length: number): number | null {
    const segment = this.segments[indexOf(this.segments, this.segments.length, captured)];
    const address = at(segment, captured);
    const end = Math.min(segment.address + segment.pages * PAGE_SIZE, this.address + this.length);
    if (captured < segment.captured || address < this.address || address + length > end) return null;
    return address;
  }
}

/** The memory of one captured host that others reach: one file, mapped in pieces, and the keys to it. */
export class HostLayout {
  constructor(
    readonly host: string,
    readonly segments: readonly Segment[],
    /** In the order of first use. */
    readonly lives: readonly KeyLife[],
    /** Keys that reach more memory than a machine could register. */
    readonly refused: readonly RemoteKey[],
  ) {}

  /** Size of the file in bytes. */
  get fileSize(): number {
    return this.segments.reduce((sum, segment) => sum + segment.pages, 0) * PAGE_SIZE;
  }
}

/**
 * Lays the remote memory of a capture out: each host's as one file, mapped at the captured addresses.
 *
 * Addresses that a process cannot have (kernel users of RDMA, IOVAs) are moved below 2^47, keeping distances within a
 * segment. Equal addresses of one host are the same memory, under whatever key, unless they count from the start of a
 * region.
 */
export function layOut(keys: readonly RemoteKey[]): HostLayout[] {
  const hosts = new Map<string, RemoteKey[]>();
  for (const key of keys) {
    const list = hosts.get(key.owner);
    if (list === undefined) hosts.set(key.owner, [key]);
    else list.push(key);
  }
  return [...hosts].map(([host, list]) => layOutHost(host, list));
}

/** A key and what it reaches. */
interface Reach {
  readonly key: RemoteKey;
  readonly extents: readonly Extent[];
  readonly span: Extent;
}

function layOutHost(host: string, keys: readonly RemoteKey[]): HostLayout {
  const refused: RemoteKey[] = [];
  const fitting: Reach[] = [];
  let room = MAX_HOST_PAGES;
  for (const key of keys) {
    const extents = extentsOf(key);
    if (extents.length === 0) continue;
    const pages = totalPages(extents);
    if (pages > MAX_KEY_PAGES || pages > room) {
      refused.push(key);
    } else {
      room -= pages;
      fitting.push({ key, extents, span: { start: extents[0].start, end: extents[extents.length - 1].end } });
    }
  }
  const alone = fitting.filter(({ span }) => span.start < USER_START);
  const others = fitting.filter(({ span }) => span.start >= USER_START);
  const shared = joined(others.flatMap(({ extents }) => extents));
  const sparse = others.filter(({ extents }) => extents.length > 1).map(({ span }) => span);
  const segments = place([...groups(shared, sparse), ...alone.map(({ extents }) => extents)]);

  const lives = others.map(({ key, span }) => {
    const first = indexOf(segments, shared.length, span.start);
    const last = indexOf(segments, shared.length, span.end - 1n);
    return new KeyLife(key, segments.slice(first, last + 1), span);
  });
  let next = shared.length;
  for (const { key, extents, span } of alone) {
    lives.push(new KeyLife(key, segments.slice(next, next + extents.length), span));
    next += extents.length;
  }
  lives.sort((a, b) => a.key.firstUseFrame - b.key.firstUseFrame);
  return new HostLayout(host, segments, lives, refused);
}

/** Where a captured address of a segment is in the process. */
function at(segment: Segment, captured: bigint): number {
  return segment.address + Number(captured - segment.captured);
}

/** Which segment has an address, of the first `count`: these are in order of their captured addresses. */
function indexOf(segments: readonly Segment[], count: number, captured: bigint): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].captured <= captured) low = middle;
    else high = middle - 1;
  }
  return low;
}
