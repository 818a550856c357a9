import { memoryOf } from './show-operation.js';
import { SECTIONS } from './sections/index.js';

/** A program with a name. */
export interface TrialProgram {
  readonly name: string;
  readonly program: readonly string[];
}

/** Every operation of the users' page, on each memory that it is shown on, as a program. */
export function operationPrograms(): TrialProgram[] {
  return SECTIONS.flatMap((section) =>
    section.operations.flatMap((operation) =>
      memoryOf(section, operation).map((memory) => ({
        name: `${section.title}: ${operation.title}, on ${memory}`,
        program: [section.memory[memory], ...section.setup, ...(operation.before ?? []), ...operation.lines],
      })),
    ),
  );
}
