import { readFileSync } from 'node:fs';

/** The rows of the table of a page of which the first column is headed so: cells by the headings of their columns. */
export function docTable(page: string, heading: string): Readonly<Record<string, string>>[] {
  const rows = readFileSync(page, 'utf8')
    .split('\n')
    .map((line) => (line.startsWith('|') ? cells(line) : null));
  const first = rows.findIndex((row) => row?.[0] === heading);
  if (first < 0) throw new Error(`${page} has no table that begins with "${heading}"`);
  const headings = rows[first] ?? [];
  const end = rows.findIndex((row, i) => i > first && row === null);
  return rows.slice(first + 2, end).map((row) => Object.fromEntries(headings.map((name, i) => [name, row?.[i] ?? ''])));
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
