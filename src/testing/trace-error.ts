/**
 * A test asks what its trace cannot answer: of an event that is not there, of a page that nothing touched, of a name that
 * nothing has. The test fails, with or without `.not`.
 */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** A name of an event that is none. */
export function noEvent(name: string, names: Iterable<string>): TraceError {
  return new TraceError(`no event is called "${name}"${meant(name, names)}`);
}

/** Whether a name is none of these, but like one. */
export function isMisspelt(name: string, names: readonly string[]): boolean {
  return !names.includes(name) && nearest(name, names) !== null;
}

/** For messages: the name that was probably meant, or all that there are. */
export function meant(name: string, names: Iterable<string>): string {
  const near = nearest(name, names);
  return near === null ? `; there are ${[...names].join(', ')}` : `; is "${near}" meant?`;
}

/** The name that is most like it; null if none is. */
function nearest(name: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const other of names) {
    const edits = editDistance(name, other);
    if (edits < least) {
      least = edits;
      best = other;
    }
  }
  return best;
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + change));
    }
    above = row;
  }
  return above[b.length];
}

/** `1 event`, `2 events`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('s') ? 'es' : 's';
  return `${String(count)} ${noun}${count === 1 ? '' : plural}`;
}
