import { pageOf } from '../base/index.js';
import { MmStruct, pteFrame, ptePresent, type EntryChange, type MmSystem } from '../mm/index.js';
import type { MmRef } from '../../notifiers/index.js';

/** A folio of a file, by its first page. */
export interface FilePlace {
  readonly file: string;
  readonly filePage: number;
}

/** Which folios of files a page of a process has shown: what happens to those concerns the page. */
export class FilePlaces {
  private readonly shown = new Map<string, FilePlace[]>();

  constructor(private readonly system: MmSystem) {}

  changed({ mm, page, pages, was, now }: EntryChange): void {
    for (const entry of [was, now]) {
      const place = this.placeOf(entry);
      if (place === null) continue;
      for (let i = 0; i < pages; i++) this.note(mm, page + i, place);
    }
  }

  /** Those that the page has shown since the trace began, and the one that it shows now. */
  of(mm: MmRef, address: number): readonly FilePlace[] {
    const page = pageOf(address);
    if (mm instanceof MmStruct) {
      const place = this.placeOf(mm.pageTable.get(page));
      if (place !== null) this.note(mm, page, place);
    }
    return this.shown.get(keyOf(mm, page)) ?? [];
  }

  /** Null for a folio that is no file's. */
  ofFolio(folio: number): FilePlace | null {
    const mapping = this.system.mappingOf(folio);
    return mapping === null ? null : { file: mapping.name, filePage: this.system.memory.frames.index[folio] };
  }

  private placeOf(entry: number): FilePlace | null {
    if (!ptePresent(entry)) return null;
    return this.ofFolio(this.system.memory.frames.folioOf(pteFrame(entry)));
  }

  private note(mm: MmRef, page: number, place: FilePlace): void {
    const key = keyOf(mm, page);
    const places = this.shown.get(key);
    if (places === undefined) this.shown.set(key, [place]);
    else if (!places.some((other) => other.file === place.file && other.filePage === place.filePage))
      places.push(place);
  }
}

function keyOf(mm: MmRef, page: number): string {
  return `${String(mm.id)} ${String(page)}`;
}
