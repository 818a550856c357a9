import { parseProgram, printOp, printStep, runProgram, withImplicitExit, type RecordedStep } from '../program/index.js';
import type { Operation, Section } from './operation.js';

/** A line that was run: what happened, and the same for people. */
export interface ShownStep {
  readonly step: RecordedStep;
  readonly text: string;
}

/** An operation on some memory: all that was run, and the steps of its own lines. */
export interface Shown {
  readonly memory: string;
  readonly program: readonly string[];
  readonly steps: readonly ShownStep[];
}

/** Runs an operation with the emulator on each memory that it is shown on. @throws Error if the emulator cannot */
export function showOperation(section: Section, operation: Operation): Shown[] {
  return memoryOf(section, operation).map((memory) => {
    const before = [section.memory[memory], ...section.setup, ...(operation.before ?? [])];
    const program = [...before, ...operation.lines];
    const ops = withImplicitExit(parseProgram(program.join('\n')));
    const run = runProgram(ops, { probes: false });
    if (run.stopped !== null) throw new Error(`${operation.title}, on ${memory}: ${run.stopped.reason}`);
    const steps = operation.lines.map((_, i) => {
      const step = run.steps[before.length + i];
      return { step, text: printStep(printOp(ops[before.length + i]), step, run.areas.at(0)) };
    });
    return { memory, program, steps };
  });
}

/** What an operation is shown on. */
export function memoryOf(section: Section, operation: Operation): readonly string[] {
  return operation.on ?? Object.keys(section.memory).slice(0, 1);
}
