import { devicePage, findOperations, operationText } from '../../../src/lab/operations/index.js';
import { mapLines, stepLines } from '../../../src/lab/operations/print-operation.js';
import { showOperation } from '../../../src/lab/operations/show-operation.js';
import type { Section } from '../../../src/lab/operations/operation.js';
import { parseProgram } from '../../../src/lab/program/index.js';

const SECTION: Section = {
  title: 'Some section',
  text: 'What it is about.',
  memory: {
    ext4: 'map name=m kind=ext4 share=shared prot=rw pages=4',
    xfs: 'map name=m kind=xfs share=shared prot=rw pages=4',
    btrfs: 'map name=m kind=btrfs share=shared prot=rw pages=4',
  },
  setup: ['mr name=r map=m first=0 pages=4'],
  operations: [
    {
      title: 'fsync',
      on: ['ext4', 'xfs', 'btrfs'],
      before: ['cpu_write map=m page=1,2 value=0x11'],
      lines: ['fsync map=m', 'fsync map=m'],
      says: 'Two pages, two events.',
      recorded: [],
    },
  ],
};
const [FSYNC] = SECTION.operations;

describe('showOperation', () => {
  it('runs the lines of the section, those before, and its own, of which it gives the steps', () => {
    const [{ memory, program, steps }] = showOperation(SECTION, FSYNC);
    expect([memory, program]).toEqual([
      'ext4',
      [
        'map name=m kind=ext4 share=shared prot=rw pages=4',
        'mr name=r map=m first=0 pages=4',
        'cpu_write map=m page=1,2 value=0x11',
        'fsync map=m',
        'fsync map=m',
      ],
    ]);
    expect(steps.map(({ step }) => step.events.length > 0)).toEqual([true, false]);
  });

  it('shows the first memory of the section if the operation names none', () => {
    const { title, lines, says } = FSYNC;
    expect(showOperation(SECTION, { title, lines, says, recorded: [] }).map(({ memory }) => memory)).toEqual(['ext4']);
  });

  it('fails for what the emulator cannot run', () => {
    const operation = { ...FSYNC, lines: ['pread map=m off=0 len=0x20000000'] };
    expect(() => showOperation(SECTION, operation)).toThrow(/^fsync, on ext4: 536870912 bytes at once/);
  });
});

describe('stepLines', () => {
  it('says once what is alike, beside what differs, and folds between events', () => {
    expect(stepLines(SECTION, showOperation(SECTION, FSYNC))).toEqual([
      '# ext4, xfs',
      'fsync map=m: clean#1(1) <PROTECTION_PAGE[1,2) cb u[1,2) t[1,2)> clean#2(1) <PROTECTION_PAGE[2,3) cb u[2,3) t[2,3)>',
      'fsync map=m: nothing',
      '# btrfs',
      'fsync map=m: clean#1(1) <PROTECTION_PAGE[1,2) cb u[1,2) t[1,2)> clean#2(1) <PROTECTION_PAGE[2,3) cb u[2,3) t[2,3)>',
      '    <PROTECTION_PAGE[1,2) cb u[1,2)> <PROTECTION_PAGE[2,3) cb u[2,3)> <PROTECTION_PAGE[2,3) cb u[2,3)>',
      'fsync map=m: nothing',
    ]);
  });
});

describe('mapLines', () => {
  it('has other memory as comments, so that the text remains a program', () => {
    const lines = mapLines(SECTION, ['xfs', 'btrfs']);
    expect(lines).toEqual([SECTION.memory.xfs, `# btrfs: ${SECTION.memory.btrfs}`]);
    expect(parseProgram(lines.join('\n'))).toHaveLength(1);
  });
});

describe('operationText', () => {
  it('has the program, its steps and the sentence', () => {
    expect(operationText({ section: SECTION, operation: { ...FSYNC, on: ['xfs'] } }).split('\n')).toEqual([
      'Some section: fsync',
      '',
      '  map name=m kind=xfs share=shared prot=rw pages=4',
      '  mr name=r map=m first=0 pages=4',
      '  cpu_write map=m page=1,2 value=0x11',
      '  fsync map=m',
      '  fsync map=m',
      '',
      '  # xfs',
      '  fsync map=m: clean#1(1) <PROTECTION_PAGE[1,2) cb u[1,2) t[1,2)> clean#2(1) <PROTECTION_PAGE[2,3) cb u[2,3) t[2,3)>',
      '  fsync map=m: nothing',
      '',
      'Two pages, two events.',
    ]);
  });
});

describe('findOperations', () => {
  const titles = (...words: string[]): string[] =>
    findOperations(words).map(({ section, operation }) => `${section.title}: ${operation.title}`);

  it('finds words in lines, titles and sentences, whatever their case, and all of them', () => {
    expect(titles('dontunmap=1')).toEqual(['Moving: mremap with MREMAP_DONTUNMAP']);
    expect(titles('MIGRATION', 'move_pages')).toContain('Migration: move_pages and mbind');
    expect(titles('page_mkwrite', 'reflink')).toEqual(['Files beside the mapping: Reflinks']);
    expect(titles('fork', 'no such thing')).toEqual([]);
  });
});

describe('devicePage', () => {
  it('has a heading for each section and operation, and links to the sections', () => {
    const page = devicePage();
    for (const { section, operation } of findOperations([])) {
      expect(page).toContain(`\n## ${section.title}\n`);
      expect(page).toContain(`\n### ${operation.title}\n`);
    }
    expect(page).toContain('- [The device’s own faults](#the-devices-own-faults)\n');
  });
});
