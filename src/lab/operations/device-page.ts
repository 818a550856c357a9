import type { Operation, Section } from './operation.js';
import { mapLines, stepLines } from './print-operation.js';
import { SECTIONS } from './sections/index.js';
import { showOperation } from './show-operation.js';

const HEAD = [
  '# What Linux really does to your device',
  '',
  'A driver without pins maps memory into its device, and the kernel tells it what to give back: between the start and the end of an',
  'invalidation the device must not use the range. This page says what is announced by which operation, and what is not, for',
  'an RDMA device with on-demand paging (Soft-RoCE, whose driver unmaps all that it is told).',
  '',
  'Each block is a program for `pinless run`: the lines that begin the section, and those below. What follows a colon happens:',
  '`<CLEAR[4,8) … >` is an event of these pages from start to end, in it `cb` the driver’s callback and `u[4,8)` what the device',
  'loses; `F[4,5)=1` and `R[4,5)=1` are faults of the device for writing and reading, `w4` and `r4` page faults of the kernel, `mk4`',
  'page_mkwrite, `clean#4(1)` folio_mkclean, `t[4,8)` flushes of secondary TLBs. [programs.md](programs.md) has the rest. A `#` says',
  'what memory it is, where more than one kind is shown.',
  '',
  'Made by `npm run device-page` from runs of the emulator; CI makes it again and compares. A test holds every line to recordings of',
  'Linux 7.2.13, which are named, and are in `test/fixtures/linux-traces`: there the same operation, on such memory, had the same',
  'notifier events, device faults and result.',
  '`pinless explain WORD…` finds operations by words.',
];

/** All operations, as a page of documentation. */
export function devicePage(): string {
  const contents = SECTIONS.map(({ title }) => `- [${title}](#${anchorOf(title)})`);
  return `${[...HEAD, '', ...contents, ...SECTIONS.flatMap(sectionLines)].join('\n')}\n`;
}

function sectionLines(section: Section): string[] {
  return [
    '',
    `## ${section.title}`,
    '',
    section.text,
    '',
    ...block([...mapLines(section, Object.keys(section.memory)), ...section.setup]),
    ...section.operations.flatMap((operation) => operationLines(section, operation)),
  ];
}

function operationLines(section: Section, operation: Operation): string[] {
  const steps = stepLines(section, showOperation(section, operation));
  return [
    '',
    `### ${operation.title}`,
    '',
    ...block([...(operation.before ?? []), ...steps]),
    '',
    operation.says,
    '',
    `Recorded in ${operation.recorded.map((name) => `\`${name}\``).join(', ')}.`,
  ];
}

function block(lines: readonly string[]): string[] {
  return ['```text', ...lines, '```'];
}

/** The address that a heading gets. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}
