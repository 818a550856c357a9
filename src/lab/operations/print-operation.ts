import type { Found } from './find-operations.js';
import type { Section } from './operation.js';
import { memoryOf, showOperation, type Shown } from './show-operation.js';

/** An operation for a terminal: what to type, what happens, what there is to know. */
export function operationText({ section, operation }: Found): string {
  const shown = showOperation(section, operation);
  const program = [
    ...mapLines(section, memoryOf(section, operation)),
    ...section.setup,
    ...(operation.before ?? []),
    ...operation.lines,
  ];
  return [
    `${section.title}: ${operation.title}`,
    '',
    ...indent(program),
    '',
    ...indent(stepLines(section, shown)),
    '',
    ...fold(operation.says, 0),
  ].join('\n');
}

/** An operation as JSON, with its events in the form of the recordings. */
export function operationJson({ section, operation }: Found): unknown {
  const { title, says, recorded } = operation;
  return { section: section.title, title, says, recorded, shown: showOperation(section, operation) };
}

/** The line that maps the memory, and those that could stand in its place, as comments. */
export function mapLines(section: Section, names: readonly string[]): string[] {
  return names.map((name, i) => (i === 0 ? section.memory[name] : `# ${name}: ${section.memory[name]}`));
}

/** The steps of an operation, for memory that behaves alike only once, each line folded. */
export function stepLines(section: Section, shown: readonly Shown[]): string[] {
  const alike = new Map<string, string[]>();
  for (const { memory, steps } of shown) {
    const lines = steps.flatMap(({ text }) => fold(text.endsWith(':') ? `${text} nothing` : text, 4)).join('\n');
    alike.set(lines, [...(alike.get(lines) ?? []), memory]);
  }
  const isNamed = Object.keys(section.memory).length > 1;
  return [...alike].flatMap(([lines, names]) => [...(isNamed ? [`# ${names.join(', ')}`] : []), ...lines.split('\n')]);
}

const WIDTH = 116;

/** A blank that is not within an event. */
const BREAK = / (?![^<]*[^=<]>)/;

/** Breaks a line between words and events; what follows is set in. */
function fold(text: string, by: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAK)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${' '.repeat(by)}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
