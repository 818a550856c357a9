import { PAGE_SIZE } from '../../base/index.js';
import type { RemoteKey } from '../capture/index.js';

const PAGE = BigInt(PAGE_SIZE);
/** Addresses above this are a kernel's, or an IOVA: a process cannot map there. */
const USER_END = 1n << 47n;
/** vm.mmap_min_addr: a process does not map below. Such addresses count from the start of their own region. */
const USER_START = 1n << 16n;
/** Where segments go, from here up, whose own address a process cannot have. */
const ELSEWHERE = 1n << 44n;
/** One key may span at most this many pages: 1 TiB. */
const MAX_KEY_PAGES = 1n << 28n;
/** Pages of all segments of one host: file pages are 31-bit numbers. */
const MAX_HOST_PAGES = 1n << 30n;

/** A run of remote memory as one mapping of the host's file. */
export interface Segment {
  /** Address that requests name, as captured. */
  readonly captured: bigint;
  /** Address at which the process has it: the same if a process can map there. */
  readonly address: number;
  readonly pages: number;
  /** First page of the file. */
  readonly filePage: number;
}

/** One life of a key, and the part of the process that it is registered for. */
export interface KeyLife {
  readonly key: RemoteKey;
  readonly owner: string;
  readonly rKey: number;
  /** First byte and length of the registered region, page-aligned, in the process. */
  readonly address: number;
  readonly length: number;
  /** Captured address of that byte. */
  readonly captured: bigint;
  readonly writable: boolean;
}

/** The memory of one captured host that others reach: one file, mapped in pieces, and the keys to it. */
export class HostLayout {
  constructor(
    readonly host: string,
    readonly segments: readonly Segment[],
    /** In the order of first use. */
    readonly lives: readonly KeyLife[],
    /** Keys that span more memory than a machine could register. */
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
 * segment. A key's region is what its owner announced; failing that, everything between the lowest and the highest byte
 * that the capture touches through it. Equal addresses of one host are the same memory, under whatever key, unless they
 * count from the start of a region.
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

interface Extent {
  start: bigint;
  end: bigint;
}

function layOutHost(host: string, keys: readonly RemoteKey[]): HostLayout {
  const refused: RemoteKey[] = [];
  const fitting: RemoteKey[] = [];
  let room = MAX_HOST_PAGES;
  for (const key of keys) {
    const pages = pagesOf(extentOf(key));
    if (pages === 0n) continue;
    if (pages > MAX_KEY_PAGES || pages > room) {
      refused.push(key);
    } else {
      room -= pages;
      fitting.push(key);
    }
  }
  const shared = joined(fitting.map(extentOf).filter(({ start }) => start >= USER_START));
  const alone = fitting.filter((key) => extentOf(key).start < USER_START);
  const segments = place([...shared, ...alone.map(extentOf)]);
  const segmentsAlone = new Map(alone.map((key, i) => [key, segments[shared.length + i]]));
  const lives = fitting
    .map((key): KeyLife => {
      const { start, end } = extentOf(key);
      const segment = segmentsAlone.get(key) ?? segmentOf(segments, shared.length, start);
      return {
        key,
        owner: host,
        rKey: key.rKey,
        address: segment.address + Number(start - segment.captured),
        length: Number(end - start),
        captured: start,
        writable: key.writes + key.atomics > 0,
      };
    })
    .sort((a, b) => a.key.firstUseNs - b.key.firstUseNs);
  return new HostLayout(host, segments, lives, refused);
}

function extentOf({ region, minAddress, maxAddress }: RemoteKey): Extent {
  if (region !== undefined) {
    const announced = wholePages(region.start, region.end);
    if (pagesOf(announced) <= MAX_KEY_PAGES) return announced;
  }
  return wholePages(minAddress, maxAddress);
}

function wholePages(start: bigint, end: bigint): Extent {
  return { start: (start / PAGE) * PAGE, end: ((end + PAGE - 1n) / PAGE) * PAGE };
}

function pagesOf({ start, end }: Extent): bigint {
  return (end - start) / PAGE;
}

/** Sorts extents and joins those that touch. */
function joined(extents: readonly Extent[]): Extent[] {
  const sorted = [...extents].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const result: Extent[] = [];
  for (const { start, end } of sorted) {
    const last = result.at(-1);
    if (last !== undefined && start <= last.end) last.end = end > last.end ? end : last.end;
    else result.push({ start, end });
  }
  return result;
}

/** Gives each extent an address in the process and pages of the file. */
function place(extents: readonly Extent[]): Segment[] {
  const own = extents.filter(({ start, end }) => start >= USER_START && end <= USER_END);
  let elsewhere = ELSEWHERE;
  let filePage = 0;
  return extents.map(({ start, end }) => {
    let address = start;
    if (end > USER_END || start < USER_START) {
      const length = end - start;
      for (const taken of own) {
        if (taken.start < elsewhere + length && elsewhere < taken.end) elsewhere = taken.end;
      }
      address = elsewhere;
      elsewhere += length;
    }
    const segment = { captured: start, address: Number(address), pages: Number(pagesOf({ start, end })), filePage };
    filePage += segment.pages;
    return segment;
  });
}

/** The segment of an address among the first `count`, which are in order. */
function segmentOf(segments: readonly Segment[], count: number, captured: bigint): Segment {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].captured <= captured) low = middle;
    else high = middle - 1;
  }
  return segments[low];
}
