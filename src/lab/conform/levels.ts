import { describeEvent, type RecordedEvent, type RecordedStep } from '../program/index.js';

/** Levels of comparison, see docs/programs.md. */
export const LEVELS = ['L1', 'L2', 'L3', 'L4', 'L3R', 'P', 'T'] as const;
/** One of LEVELS. */
export type Level = (typeof LEVELS)[number];

/** What a level looks at in a step, as text that is equal when the level agrees, and can be read. */
type View = (step: RecordedStep) => string[];

export const VIEWS: Readonly<Record<Level, View>> = {
  L1: ({ events }) => [
    ...describeAll(events.filter(({ kind }) => kind === 'invalidate_start' || kind === 'invalidate_end')),
    ...describeAll(events.filter(({ kind }) => kind === 'invalidate_start_refused')),
  ],
  L2: (step) => [...deviceGroups(step.events), ...deviceFaults(step.events)],
  L3: ({ events }) => [...faults(events, false), ...cleanings(events)],
  L3R: ({ events }) => [...faults(events, true), ...cleanings(events)],
  L4: ({ result }) => (Object.keys(result).length === 0 ? [] : [canonical(result)]),
  P: ({ pagemap, vmas }) => [
    ...(pagemap === undefined ? [] : [canonical(pagemap)]),
    ...(vmas ?? []).map((vma) => JSON.stringify(vma)),
  ],
  T: ({ events }) => describeAll(events.filter(({ kind }) => kind === 'arch_invalidate_secondary_tlbs')),
};

/** Who did it is not compared. */
function describeAll(events: readonly RecordedEvent[]): string[] {
  return events.map((event) => {
    return describeEvent({ ...event, by: undefined }, undefined);
  });
}

/** What the device does between two events of the kernel: several regions answer in any order. */
function deviceGroups(events: readonly RecordedEvent[]): string[] {
  const groups: string[] = [];
  let group: RecordedEvent[] = [];
  const close = (): void => {
    if (group.length > 0) groups.push(`{${describeAll(group).sort().join(' ')}}`);
    group = [];
  };
  for (const event of events) {
    if (event.kind === 'nic_unmap' || event.kind === 'nic_callback') group.push(event);
    else if (event.kind === 'invalidate_start' || event.kind === 'invalidate_end') close();
  }
  close();
  return groups;
}

/** The pages that the device had to ask for, whatever the number of calls. */
function deviceFaults(events: readonly RecordedEvent[]): string[] {
  const pages = new Set<string>();
  for (const { kind, map, range, write } of events) {
    if (kind !== 'odp_fault' || range === undefined || range === 'all') continue;
    for (let page = range[0]; page < range[1]; page++) {
      pages.add(`${map ?? ''}:${String(page).padStart(7)} ${write === true ? 'w' : 'r'}`);
    }
  }
  return [...pages].sort().map((page) => page.replace(/: +/, ':'));
}

function faults(events: readonly RecordedEvent[], reads: boolean): string[] {
  return describeAll(
    events
      .filter(({ kind, write }) => kind === 'page_mkwrite' || (kind === 'mm_fault' && (reads || write === true)))
      .map(({ kind, map, page, write, error }) => ({
        kind,
        ...(map === undefined ? {} : { map }),
        ...(page === undefined ? {} : { page }),
        ...(write === undefined ? {} : { write }),
        ...(error === undefined ? {} : { error }),
      })),
  );
}

function cleanings(events: readonly RecordedEvent[]): string[] {
  return describeAll(events.filter(({ kind }) => kind === 'folio_mkclean'));
}

/** JSON with the keys of objects in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
