import type { Operation, Section } from './operation.js';
import { SECTIONS } from './sections/index.js';

export interface Found {
  readonly section: Section;
  readonly operation: Operation;
}

/** Operations whose lines, titles or sentences have all of the words in them; without words all. */
export function findOperations(words: readonly string[]): Found[] {
  const wanted = words.map((word) => word.toLowerCase());
  return SECTIONS.flatMap((section) =>
    section.operations
      .filter((operation) => wanted.every((word) => wordsOf(section, operation).includes(word)))
      .map((operation) => ({ section, operation })),
  );
}

function wordsOf(section: Section, { title, lines, says }: Operation): string {
  return [section.title, title, ...lines, says].join('\n').toLowerCase();
}
