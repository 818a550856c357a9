import { PAGE_SIZE, pageOf } from '../../base/index.js';
import type { RecordedRange } from './recorded.js';

/** Pages of an area. */
export const AREA_PAGES = 2 ** 24;

/** Areas lie this far apart, in bytes, and begin at multiples of it. */
export const AREA_SPACING = AREA_PAGES * PAGE_SIZE;

/** A window of the address space with a name. */
export interface Area {
  readonly name: string;
  /** Address of its page 0. */
  readonly start: number;
  /** One behind the last of its pages that was ever mapped: what was unmapped since is still looked at. */
  pages: number;
}

/** The areas of a program, in the order in which it named them. All its processes have them at the same addresses. */
export class Areas {
  readonly list: Area[] = [];
  private readonly byName = new Map<string, Area>();

  find(name: string): Area | undefined {
    return this.byName.get(name);
  }

  /** The area of that name; a new one if there is none. */
  get(name: string): Area {
    let area = this.byName.get(name);
    if (area === undefined) {
      area = { name, start: (this.list.length + 1) * AREA_SPACING, pages: 0 };
      this.byName.set(name, area);
      this.list.push(area);
    }
    return area;
  }

  /** The area that an address lies in. */
  at(address: number): Area | undefined {
    return this.list[Math.floor(address / AREA_SPACING) - 1];
  }

  /** A range of addresses as the recorded form has it; null outside of all areas. */
  describe(start: number, end: number): { readonly map?: string; readonly range: RecordedRange } | null {
    if (start === 0 && end > AREA_SPACING * (this.list.length + 1)) return { range: 'all' };
    const area = start < AREA_SPACING ? undefined : this.at(start);
    if (area === undefined) return null;
    return { map: area.name, range: [pageOf(start - area.start), pageOf(end - 1 - area.start) + 1] };
  }
}

/** Address of a page of an area. */
export function addressIn(area: Area, page: number): number {
  return area.start + page * PAGE_SIZE;
}
