import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { MmRef } from '../../notifiers/index.js';
import { EVENT_NAMES, type EventName } from './event-names.js';
import { NotifierStream } from './notifier-stream.js';
import type { Recorder } from './recorder.js';
import { SPANS, type SpanName } from './span-names.js';
import { Span, type NotifierSpan } from './span.js';
import { notifierSpansOf, spansOf } from './spans.js';
import { TraceError, counted, meant, noEvent } from './trace-error.js';
import { eventsIn, scopeWords, timeOfMoment, type Moment, type TraceScope } from './trace-scope.js';
import { timeOf, type TracedEvent } from './traced-event.js';
import { isMeant, mustBeWhere, whereWords, type EventWhere } from './where.js';

/** How many candidates an error lists. */
const LISTED = 4;

/**
 * A trace, or the part of it that is looked at: of a page, of a device, of a stretch of time. It is of what has happened
 * when it is asked, so it may be made before the run.
 *
 * Whoever asks for one thing gets it, or an error that says what there is instead: an assertion never holds because a name
 * was misspelt or nothing happened.
 */
export class TraceView {
  readonly #recorder: Recorder;
  readonly #scope: TraceScope;

  /** @internal */
  constructor(recorder: Recorder, scope: TraceScope) {
    this.#recorder = recorder;
    this.#scope = scope;
  }

  /** Only what concerns the page that holds `address`: of its folio's writeback and its file's fsync too. */
  page(address: number, mm: MmRef | null = null): TraceView {
    return this.narrowed({ page: { address: pageOf(address) * PAGE_SIZE, mm } });
  }

  /** Only what a watched device does, and its driver. @throws TraceError if no device of that name is watched */
  device(name: string): TraceView {
    const names = this.#recorder.devices.map(({ device }) => device.name);
    if (!names.includes(name)) {
      const watched = names.length === 0 ? 'none is: trace.watch(observeNic(nic))' : `only ${names.join(', ')}`;
      throw new TraceError(`no device "${name}" is watched; ${watched}`);
    }
    return this.narrowed({ device: name });
  }

  /** From that moment on, it included. */
  since(moment: Moment): TraceView {
    return this.narrowed({ since: moment });
  }

  /** Up to that moment, it included. */
  until(moment: Moment): TraceView {
    return this.narrowed({ until: moment });
  }

  /** All events; all of a name. There may be none. @throws TraceError if nothing has that name */
  events(name?: EventName, where: EventWhere = {}): TracedEvent[] {
    mustBeWhere(where);
    const events = eventsIn(this.#recorder, this.#scope);
    if (name === undefined) return [...events];
    this.mustBeName(name);
    return events.filter((event) => event.name === name && isMeant(event, where));
  }

  /** The one event of that name. @throws TraceError if there is none, or more than one */
  event(name: EventName, where: EventWhere = {}): TracedEvent {
    return this.only(this.events(name, where), name, where, 'first, last and since choose one');
  }

  first(name: EventName, where: EventWhere = {}): TracedEvent {
    return this.some(this.events(name, where), name, where)[0];
  }

  last(name: EventName, where: EventWhere = {}): TracedEvent {
    return this.some(this.events(name, where), name, where).at(-1)!;
  }

  /** All spans that begin here. There may be none. */
  spans(name: SpanName, where: EventWhere = {}): Span[] {
    if (!Object.hasOwn(SPANS, name)) {
      throw new TraceError(`no span is called "${name}"${meant(name, Object.keys(SPANS))}`);
    }
    mustBeWhere(where);
    const mine = new Set(this.events());
    return spansOf(this.#recorder.events, name).filter(({ start }) => mine.has(start) && isMeant(start, where));
  }

  /** The one span of that name. @throws TraceError if there is none, or more than one */
  span(name: SpanName, where: EventWhere = {}): Span {
    return this.only(this.spans(name, where), name, where, 'spans(…) and since choose one');
  }

  /** All invalidations that start here. There may be none. */
  ranges(where: EventWhere = {}): NotifierSpan[] {
    mustBeWhere(where);
    const mine = new Set(this.events());
    return notifierSpansOf(this.#recorder.events).filter(({ start }) => mine.has(start) && isMeant(start, where));
  }

  /** The one invalidation. @throws TraceError if there is none, or more than one */
  range(where: EventWhere = {}): NotifierSpan {
    return this.only(this.ranges(where), 'invalidation', where, 'firstRange, lastRange and since choose one');
  }

  firstRange(where: EventWhere = {}): NotifierSpan {
    return this.some(this.ranges(where), 'invalidation', where)[0];
  }

  lastRange(where: EventWhere = {}): NotifierSpan {
    return this.some(this.ranges(where), 'invalidation', where).at(-1)!;
  }

  /** Its invalidations as a stream, for marble diagrams. */
  notifier(where: EventWhere = {}): NotifierStream {
    const { since } = this.#scope;
    const from = since === null ? this.#recorder.began : timeOfMoment(since);
    return new NotifierStream(this, () => this.ranges(where), from, whereWords(where));
  }

  /** A line an event, with its virtual time. */
  toString(): string {
    const events = this.events();
    const width = Math.max(0, ...events.map(({ time }) => timeOf(time).length));
    return events.map((event) => event.line(width)).join('\n');
  }

  /** As toString, without times: an order that stays when costs change. */
  words(): string {
    return this.events()
      .map((event) => event.words)
      .join('\n');
  }

  /** @internal */
  get recorder(): Recorder {
    return this.#recorder;
  }

  /** @internal */
  get scope(): TraceScope {
    return this.#scope;
  }

  /** @internal What it is of, whenever it was. */
  get always(): TraceView {
    return this.narrowed({ since: null, until: null });
  }

  /** @internal For messages. */
  get title(): string {
    return scopeWords(this.#scope);
  }

  private narrowed(scope: Partial<TraceScope>): TraceView {
    return new TraceView(this.#recorder, { ...this.#scope, ...scope });
  }

  private mustBeName(name: string): void {
    const names = new Set<string>([...EVENT_NAMES, ...this.#recorder.events.map((event) => event.name)]);
    if (!names.has(name)) throw noEvent(name, names);
  }

  private some<T>(found: readonly T[], name: string, where: EventWhere): readonly T[] {
    if (found.length > 0) return found;
    throw new TraceError(`no ${name}${whereWords(where)} in this ${this.title}; ${this.summary()}`);
  }

  private only<T extends TracedEvent | Span>(found: readonly T[], name: string, where: EventWhere, how: string): T {
    this.some(found, name, where);
    if (found.length === 1) return found[0];
    const listed = found.slice(0, LISTED).map((one) => `\n  ${(one instanceof Span ? one.start : one).toString()}`);
    const more = found.length > LISTED ? `\n  and ${String(found.length - LISTED)} more` : '';
    const what = `${String(found.length)} times ${name}${whereWords(where)} in this ${this.title}; ${how}:`;
    throw new TraceError(`${what}${listed.join('')}${more}`);
  }

  /** What there is, by names. */
  private summary(): string {
    const counts = new Map<string, number>();
    for (const { name } of this.events()) counts.set(name, (counts.get(name) ?? 0) + 1);
    const listed = [...counts].map(([name, count]) => `${name} × ${String(count)}`);
    return `it has ${counted(this.events().length, 'event')}: ${listed.join(', ')}`;
  }
}
