import { SPANS } from './span-names.js';
import type { TraceView } from './trace-view.js';
import type { TracedEvent } from './traced-event.js';

/** A translation that a device had before some moment. */
interface Had {
  /** Null if it was there before the trace began. */
  readonly installed: TracedEvent | null;
  /** Null if it is there still. */
  readonly removed: TracedEvent | null;
}

/** The translations that a view's device had before an event, and those of them that it had then. */
export function pagesHeldAt(
  view: TraceView,
  point: TracedEvent,
): { readonly had: readonly Had[]; readonly held: readonly Had[] } {
  const [map, unmap] = SPANS.translation;
  /** By their keys, those that are there: two regions of one page have one each. */
  const open = new Map<unknown, TracedEvent[]>();
  const all: Had[] = [];
  for (const event of view.always.events()) {
    if (event.name === map) open.set(event.key, [...(open.get(event.key) ?? []), event]);
    else if (event.name === unmap) all.push({ installed: open.get(event.key)?.pop() ?? null, removed: event });
  }
  for (const installed of [...open.values()].flat()) all.push({ installed, removed: null });
  const had = all.filter(({ installed }) => installed === null || installed.seq < point.seq);
  return { had, held: had.filter(({ removed }) => removed === null || removed.seq > point.seq) };
}
