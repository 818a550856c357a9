import { kindOf } from '../../../src/lab/conform/compare-run.js';
import { VIEWS } from '../../../src/lab/conform/levels.js';
import { readRecordings } from '../../../src/lab/conform/load-recordings.js';
import { SECTIONS, findOperations } from '../../../src/lab/operations/index.js';
import { showOperation } from '../../../src/lab/operations/show-operation.js';
import { parseLine, type RecordedStep, type Recording } from '../../../src/lab/program/index.js';

const OPERATIONS = findOperations([]);
const RECORDINGS = readNamed(OPERATIONS.flatMap(({ operation }) => operation.recorded));

/** The recordings of some names, by name. */
function readNamed(names: readonly string[]): ReadonlyMap<string, Recording> {
  const kinds = [...new Set(names.map(kindOf))];
  const recordings = kinds.flatMap((kind) => readRecordings(`test/fixtures/linux-traces/${kind}.jsonl.br`));
  return new Map(recordings.map((recording) => [recording.name, recording]));
}

/** An operation with all arguments, but for the values that are written. */
function argumentsOf(line: string): string {
  const op = parseLine(line, 1);
  const args = Object.entries(op?.args ?? {}).filter(([key, value]) => key !== 'value' && value !== undefined);
  return JSON.stringify([op?.op, args]);
}

/** What a program maps first: kind and share. */
function memoryOf(program: readonly string[]): string {
  const map = parseLine(program.find((line) => line.startsWith('map ')) ?? '', 1);
  return `${String(map?.args.kind)} ${String(map?.args.share)}`;
}

/** What has to agree: notifier stream, device, result. */
function view(step: RecordedStep): string {
  return JSON.stringify([VIEWS.L1(step), VIEWS.L2(step), VIEWS.L4(step)]);
}

/** Whether Linux did the same for the line, on such memory, at some place of the recording. */
function confirms(recording: Recording, program: readonly string[], line: string, step: RecordedStep): boolean {
  const unstable = recording.unstable ?? [];
  if (['L1', 'L2', 'L4'].some((level) => unstable.includes(level))) return false;
  if (memoryOf(recording.program) !== memoryOf(program)) return false;
  return recording.program.some(
    (other, i) => argumentsOf(other) === argumentsOf(line) && view(recording.steps[i]) === view(step),
  );
}

describe.each(OPERATIONS.map((found) => [`${found.section.title}: ${found.operation.title}`, found] as const))(
  '%s',
  (_title, { section, operation }) => {
    const shown = showOperation(section, operation);
    const recordings = operation.recorded.map((name) => [name, RECORDINGS.get(name)] as const);

    it.each(
      shown.flatMap(({ memory, program, steps }) =>
        operation.lines.map((line, i) => [memory, line, program, steps[i].step] as const),
      ),
    )('did the same on Linux: on %s, %s', (_memory, line, program, step) => {
      const confirming = recordings.filter(([, recording]) => recording && confirms(recording, program, line, step));
      expect(confirming).not.toEqual([]);
    });

    it.each(recordings)('is in %s', (_name, recording) => {
      const inRecording = shown.some(({ program, steps }) =>
        operation.lines.some((line, i) => recording && confirms(recording, program, line, steps[i].step)),
      );
      expect(inRecording).toBe(true);
    });
  },
);

describe('the operations', () => {
  it('have titles of their own', () => {
    const titles = OPERATIONS.map(({ section, operation }) => `${section.title}: ${operation.title}`);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('are shown on memory that their section has', () => {
    for (const { section, operation } of OPERATIONS) {
      expect(Object.keys(section.memory)).toEqual(expect.arrayContaining([...(operation.on ?? [])]));
    }
  });

  it('use all the memory of their sections', () => {
    for (const { memory, operations } of SECTIONS) {
      const used = operations.flatMap(({ on }) => on ?? [Object.keys(memory)[0]]);
      expect(new Set(used)).toEqual(new Set(Object.keys(memory)));
    }
  });
});
