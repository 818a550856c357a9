import { timeOf, type TracedEvent } from './traced-event.js';

/** An event that a message is about, and what it is there. */
export interface Mark {
  readonly event: TracedEvent;
  /** A word or two, in the margin. */
  readonly label: string;
}

/** Marks that a message shows at most: the first ones, and the last. */
const MARKS = 6;

/**
 * The smallest part of a trace in which the marked events can be understood: they, a line before and behind each, and how
 * many are left out.
 */
export function windowOf(events: readonly TracedEvent[], marks: readonly Mark[], around = 1): string {
  const shown = marks.length <= MARKS ? marks : [...marks.slice(0, MARKS - 1), marks[marks.length - 1]];
  const labels = new Map<TracedEvent, string>();
  for (const { event, label } of shown) {
    const others = labels.get(event);
    labels.set(event, others === undefined || others === label ? label : `${others}, ${label}`);
  }
  const lines = [...new Set([...events, ...labels.keys()])].sort((a, b) => a.seq - b.seq);
  const near = lines.map((_, i) =>
    lines.slice(Math.max(0, i - around), i + around + 1).some((line) => labels.has(line)),
  );
  // One line takes no more room than to say that it is left out.
  const isShown = near.map((shownItself, i) => shownItself || ((near[i - 1] ?? true) && (near[i + 1] ?? true)));
  const margin = Math.max(...[...labels.values()].map((label) => label.length));
  const width = Math.max(...lines.filter((_, i) => isShown[i]).map(({ time }) => timeOf(time).length));
  const rows: string[] = [];
  let left = 0;
  lines.forEach((event, i) => {
    if (!isShown[i]) {
      left++;
      return;
    }
    if (left > 0) rows.push(elided(margin, left));
    left = 0;
    const label = labels.get(event);
    const edge = label === undefined ? `${' '.repeat(margin)}  ` : `${label.padStart(margin)} >`;
    rows.push(`  ${edge} ${timeOf(event.time).padStart(width)}  ${event.words}`);
  });
  if (left > 0) rows.push(elided(margin, left));
  return rows.join('\n');
}

function elided(margin: number, count: number): string {
  return `  ${' '.repeat(margin)}   … ${String(count)} more`;
}
