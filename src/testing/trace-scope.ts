import { PAGE_SIZE, hex, pageOf } from '../base/index.js';
import type { MmRef } from '../../notifiers/index.js';
import type { FilePlace } from './file-places.js';
import type { Recorder } from './recorder.js';
import { TraceError } from './trace-error.js';
import type { TracedEvent } from './traced-event.js';
import { Span } from './span.js';

/** A moment: an event, or a virtual time in ns. */
export type Moment = TracedEvent | Span | number;

/** What a view is of, of all that was recorded. */
export interface TraceScope {
  /** Address of a page, and whose it is; null: whoever's events there are. */
  readonly page: { readonly address: number; readonly mm: MmRef | null } | null;
  readonly device: string | null;
  readonly since: Moment | null;
  readonly until: Moment | null;
}

export const EVERYTHING: TraceScope = { page: null, device: null, since: null, until: null };

/** The recorded events that are in a scope. @throws TraceError if nothing concerns its page, or it is not clear whose is meant */
export function eventsIn(recorder: Recorder, scope: TraceScope): readonly TracedEvent[] {
  const { page, device, since, until } = scope;
  let events = recorder.events;
  if (page !== null) {
    const mm = page.mm ?? ownerOf(recorder, page.address);
    const places = recorder.places.of(mm, page.address);
    events = events.filter((event) => concernsPage(event, mm, page.address, places));
    if (events.length === 0) throw untouched(recorder, scope);
  }
  if (device !== null) {
    const driver = recorder.devices.find((one) => one.device.name === device)?.device.driverName;
    events = events.filter((event) => event.device === device || (event.driver !== null && event.driver === driver));
  }
  if (since !== null) events = events.filter((event) => !isBefore(event, since));
  if (until !== null) events = events.filter((event) => !isAfter(event, until));
  return events;
}

/** What a scope is called in messages. */
export function scopeWords({ page, device, since, until }: TraceScope): string {
  const words: string[] = [];
  if (device !== null) words.push(`device "${device}"`);
  if (page !== null) words.push(`page ${hex(page.address)}${page.mm === null ? '' : ` of ${page.mm.name}`}`);
  const what = words.length === 0 ? 'trace' : words.join(', ');
  if (since === null && until === null) return what;
  const part = [since === null ? '' : ' since', until === null ? '' : ' until'].map((word, i) => {
    const moment = i === 0 ? since : until;
    return word === '' || moment === null ? '' : `${word} ${momentWords(moment)}`;
  });
  return `${what}${part.join('')}`;
}

/** Virtual time in ns at which a moment begins. */
export function timeOfMoment(moment: Moment): number {
  if (typeof moment === 'number') return moment;
  return moment instanceof Span ? moment.start.time : moment.time;
}

function momentWords(moment: Moment): string {
  return typeof moment === 'number' ? `${String(moment)} ns` : moment.name;
}

/** Whose page it is, where nobody says: who has events of that very page. */
function ownerOf(recorder: Recorder, address: number): MmRef {
  const exact = new Map<number, MmRef>();
  const wide = new Map<number, MmRef>();
  for (const { mm, start, end, range } of recorder.events) {
    if (mm === null || end === Infinity || !(start <= address && address < end)) continue;
    (range === null ? exact : wide).set(mm.id, mm);
  }
  const owners = [...(exact.size > 0 ? exact : wide).values()];
  if (owners.length === 1) return owners[0];
  if (owners.length === 0) throw untouched(recorder, { ...EVERYTHING, page: { address, mm: null } });
  const names = owners.map(({ name }) => name).join(' and ');
  throw new TraceError(`page ${hex(address)} is there in ${names}: say whose is meant, page(address, mm)`);
}

function concernsPage(event: TracedEvent, mm: MmRef, address: number, places: readonly FilePlace[]): boolean {
  if (event.mm !== null) {
    return event.mm.id === mm.id && event.start < address + PAGE_SIZE && address < event.end;
  }
  const { file, filePage } = event;
  if (file === null) return false;
  return places.some((place) => place.file === file && (filePage === null || place.filePage === filePage));
}

function isBefore(event: TracedEvent, moment: Moment): boolean {
  if (typeof moment === 'number') return event.time < moment;
  return event.seq < (moment instanceof Span ? moment.start : moment).seq;
}

function isAfter(event: TracedEvent, moment: Moment): boolean {
  if (typeof moment === 'number') return event.time > moment;
  return event.seq > (moment instanceof Span ? moment.end : moment).seq;
}

function untouched(recorder: Recorder, { page }: TraceScope): TraceError {
  const which = scopeWords({ ...EVERYTHING, page });
  return new TraceError(`nothing in this trace concerns ${which}; ${touched(recorder)}`);
}

/** The pages that there are events of, for who has named another. */
function touched(recorder: Recorder): string {
  if (recorder.events.length === 0) return 'nothing has happened since traceOf was called';
  const pages = new Set<number>();
  for (const { mm, start, end, range } of recorder.events) {
    if (mm !== null && end !== Infinity && range === null) pages.add(pageOf(start) * PAGE_SIZE);
  }
  if (pages.size === 0) return 'there are no events of single pages';
  const first = [...pages].slice(0, 4).map((page) => hex(page));
  const more = pages.size > first.length ? ` and ${String(pages.size - first.length)} more` : '';
  return `there are events of ${first.join(', ')}${more}`;
}
