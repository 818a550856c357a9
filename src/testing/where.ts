import { MMU_NOTIFIER_EVENTS, type MmRef, type MmuNotifierEvent } from '../../notifiers/index.js';
import { TraceError } from './trace-error.js';
import type { TracedEvent } from './traced-event.js';
import { bytes, pageBytes } from './event-words.js';
import { hex } from '../base/index.js';

/** Which events are meant, of all of a name. What is left out does not matter. */
export interface EventWhere {
  /** An address: events that concern its page. */
  readonly page?: number;
  readonly mm?: MmRef;
  /** What the invalidation is for, without MMU_NOTIFY_. */
  readonly event?: MmuNotifierEvent;
  /** First byte of what it is about, and first byte behind it: exactly these. */
  readonly start?: number;
  readonly end?: number;
  readonly device?: string;
  readonly driver?: string;
  readonly file?: string;
}

const KEYS = ['page', 'mm', 'event', 'start', 'end', 'device', 'driver', 'file'] as const;

/** @throws TraceError for a key that is none of them, or an invalidation for something that there is not */
export function mustBeWhere(where: EventWhere): void {
  for (const key of Object.keys(where)) {
    if (!KEYS.includes(key as keyof EventWhere)) {
      throw new TraceError(`an event cannot be chosen by "${key}"; by ${KEYS.join(', ')} it can`);
    }
  }
  if (where.event !== undefined && !MMU_NOTIFIER_EVENTS.includes(where.event)) {
    const names = MMU_NOTIFIER_EVENTS.join(', ');
    throw new TraceError(`no invalidation is for "${where.event as string}"; there are ${names}`);
  }
}

/** Whether an event is one of those. */
export function isMeant(event: TracedEvent, where: EventWhere): boolean {
  const { page, mm, start, end } = where;
  if (page !== undefined) {
    const meant = pageBytes(page);
    if (!(event.start < meant.end && meant.start < event.end)) return false;
  }
  if (mm !== undefined && event.mm?.id !== mm.id) return false;
  if (start !== undefined && event.start !== start) return false;
  if (end !== undefined && event.end !== end) return false;
  return (['event', 'device', 'driver', 'file'] as const).every(
    (key) => where[key] === undefined || event[key] === where[key],
  );
}

/** For messages: ` of MMU_NOTIFY_CLEAR and page 0x1000`; nothing if everything is meant. */
export function whereWords({ page, mm, event, start, end, device, driver, file }: EventWhere): string {
  const words: string[] = [];
  if (event !== undefined) words.push(`MMU_NOTIFY_${event}`);
  if (page !== undefined) words.push(`page ${hex(pageBytes(page).start)}`);
  if (start !== undefined && end !== undefined) words.push(bytes(start, end));
  else if (start !== undefined) words.push(`a start of ${hex(start)}`);
  else if (end !== undefined) words.push(`an end of ${hex(end)}`);
  if (mm !== undefined) words.push(mm.name);
  if (device !== undefined) words.push(`device "${device}"`);
  if (driver !== undefined) words.push(`driver "${driver}"`);
  if (file !== undefined) words.push(`file "${file}"`);
  return words.length === 0 ? '' : ` of ${words.join(' and ')}`;
}
