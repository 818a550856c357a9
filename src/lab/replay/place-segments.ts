import { PAGE, joined, pagesOf, totalPages, type Extent } from './extents.js';

/** Addresses above this are a kernel's, or an IOVA: a process cannot map there. */
const USER_END = 1n << 47n;
/** vm.mmap_min_addr: a process does not map below. Such addresses count from the start of their own region. */
export const USER_START = 1n << 16n;
/** Where segments go, from here up, that cannot be at their own address. */
const ELSEWHERE = 1n << 44n;

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

/**
 * Groups extents that have to lie side by side, because one key reaches all of them.
 * @param extents in order, without overlap
 * @param spans what the keys reach that have more than one extent
 */
export function groups(extents: readonly Extent[], spans: readonly Extent[]): Extent[][] {
  const wholes = joined(spans);
  const result: Extent[][] = [];
  let at = 0;
  let current: Extent | null = null;
  for (const extent of extents) {
    while (at < wholes.length && wholes[at].end <= extent.start) at++;
    const whole = at < wholes.length && wholes[at].start < extent.end ? wholes[at] : null;
    if (whole !== null && whole === current) result[result.length - 1].push(extent);
    else result.push([extent]);
    current = whole;
  }
  return result;
}

/**
 * Gives each extent an address in the process and pages of the file, in the order in which they are given. A single extent
 * keeps its address if a process can have it; the extents of a group lie one behind the other.
 */
export function place(all: readonly (readonly Extent[])[]): Segment[] {
  const own = all.flatMap((group) => (keepsAddress(group) ? group : []));
  let elsewhere = ELSEWHERE;
  let filePage = 0;
  return all.flatMap((group) => {
    let address = group[0].start;
    if (!keepsAddress(group)) {
      const length = totalPages(group) * PAGE;
      for (const taken of own) {
        if (taken.start < elsewhere + length && elsewhere < taken.end) elsewhere = taken.end;
      }
      address = elsewhere;
      elsewhere += length;
    }
    return group.map((extent) => {
      const pages = Number(pagesOf(extent));
      const segment = { captured: extent.start, address: Number(address), pages, filePage };
      address += BigInt(pages) * PAGE;
      filePage += pages;
      return segment;
    });
  });
}

function keepsAddress(group: readonly Extent[]): boolean {
  return group.length === 1 && group[0].start >= USER_START && group[0].end <= USER_END;
}
