import { fileURLToPath } from 'node:url';
import { conform, parseProgram, runProgram, type ProgramWatch } from '../src/lab/index.js';
import { alternate, figure, median, type Figure } from './measure.js';

const RECORDINGS = fileURLToPath(new URL('../../test/fixtures/linux-traces', import.meta.url));

/** Seconds that all recorded programs may take, on two cores. */
const MOST_SECONDS = 20;

/** Pages of the file that the measured steps work on, all but the first 16 of which are unrelated. */
const FILE_PAGES = 16 + 4000 * 8;

/** What is there beside the area on which the measured steps work. */
const UNRELATED: Readonly<Record<string, (count: number) => string[]>> = {
  mappings: (count) => numbered(count, (i) => `map name=a${i} kind=anon share=private prot=rw pages=1`),
  pages: (count) => [
    `map name=a kind=anon share=private prot=rw pages=${String(count * 8)}`,
    `fill map=a first=0 pages=${String(count * 8)} value=1`,
  ],
  'pages of the file': (count) => [
    `map name=a file=m share=shared prot=rw pages=${String(count * 8)} offset=16`,
    `fill map=a first=0 pages=${String(count * 8)} value=1`,
    'fsync map=m',
  ],
  MRs: (count) => numbered(count, (i) => `mr name=r${i} map=m first=1024 pages=1`),
};

/** Steps that are measured: each kind of them, so often. */
const ROUNDS = 150;
const MEASURED = [
  'cpu_write map=m first=0 pages=4 value=2',
  'rdma_write mr=r first=0 pages=4 value=3',
  'msync map=m first=0 pages=4 flags=sync',
  'madvise map=m first=0 pages=4 advice=dontneed',
  'mprotect map=m first=0 pages=4 prot=r',
  'mprotect map=m first=0 pages=4 prot=rw',
];

/** S7: every recorded program, run and compared; and what a step costs beside much that it has nothing to do with. */
export async function s7(): Promise<Figure[]> {
  const start = process.hrtime.bigint();
  const programs = await conform({ paths: [RECORDINGS], onProgress: () => undefined });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return [
    figure({
      id: 'S7',
      what: `pinless conform, ${String(programs.length)} programs on all cores`,
      unit: 's',
      subject: seconds,
      reference: MOST_SECONDS,
      referenceIs: 'the bound',
      bound: { atMost: 1 },
    }),
    ...Object.entries(UNRELATED).map(([what, lines]) =>
      figure({
        id: 'S7-step',
        what: `a step beside 4000 times as many unrelated ${what}`,
        unit: 'ns',
        ...alternate(
          () => stepCost(lines(4000)),
          () => stepCost(lines(1)),
          5,
          2,
        ),
        referenceIs: 'the same step beside few',
        bound: { atMost: 1.5 },
      }),
    ),
  ];
}

/** Cost in ns of the measured steps: the median of their rounds. */
function stepCost(unrelated: readonly string[]): number {
  const setup = [
    `map name=m kind=ext4 share=shared prot=rw pages=${String(FILE_PAGES)} content=hole`,
    ...unrelated,
    'mr name=r map=m first=0 pages=16',
  ];
  const steps = Array.from({ length: ROUNDS }, () => MEASURED).flat();
  const ends: bigint[] = [];
  const watch: ProgramWatch = () => ({
    afterStep: () => ends.push(process.hrtime.bigint()),
    atEnd: () => undefined,
  });
  const { stopped } = runProgram(parseProgram([...setup, ...steps].join('\n')), { probes: false, watch });
  if (stopped !== null) throw new Error(stopped.reason);
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const before = setup.length - 1 + round * MEASURED.length;
    return Number(ends[before + MEASURED.length] - ends[before]);
  });
  return median(rounds) / MEASURED.length;
}

function numbered(count: number, line: (i: string) => string): string[] {
  return Array.from({ length: count }, (_, i) => line(String(i)));
}
