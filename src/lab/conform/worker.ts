import { ProgramError, parseLine, runProgram, type ProgramRun, type Recording } from '../program/index.js';
import { compareRun, kindOf, type Comparison } from './compare-run.js';
import { readRecordings, type RecordingFile } from './load-recordings.js';

export interface ConformTask {
  readonly files: readonly RecordingFile[];
  /** Kinds to run; absent: all. */
  readonly kinds?: readonly string[];
}

/** Runs the programs of some files and compares each with its recording: the work of one thread. */
export default function conformFiles({ files, kinds }: ConformTask): Comparison[] {
  return files
    .flatMap(readRecordings)
    .filter(({ name }) => kinds === undefined || kinds.includes(kindOf(name)))
    .map(conformRecording);
}

function conformRecording(recording: Recording): Comparison {
  return compareRun(recording, run(recording.program));
}

/** The run of a program; one that cannot be read stops before its first step. */
function run(program: readonly string[]): ProgramRun {
  try {
    return runProgram(program.flatMap((line, i) => parseLine(line, i + 1) ?? []));
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return { steps: [], final: {}, areas: [], stopped: { step: 0, reason: error.message, modelled: false } };
  }
}
