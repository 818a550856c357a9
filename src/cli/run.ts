import { Command, CommanderError } from 'commander';
import { isErrno } from '../base/index.js';
import { RuleViolation } from '../check/index.js';
import { DeadlockError, SimulationError, TaskFailure, messageOf } from '../engine/index.js';
import { CaptureError, ProgramError } from '../lab/index.js';
import { DriverError } from '../../notifiers/index.js';
import { checkDriverCommand } from './check-driver-command.js';
import { compareCommand } from './compare-command.js';
import { conformCommand } from './conform-command.js';
import { explainCommand } from './explain-command.js';
import { exploreCommand } from './explore-command.js';
import { fuzzCommand } from './fuzz-command.js';
import { newDriverCommand } from './new-driver-command.js';
import type { Output } from './output.js';
import { packCommand } from './pack-command.js';
import { runCommand } from './run-command.js';
import { UsageError } from './usage-error.js';

/** The input or the command line cannot be used. */
export const EXIT_USAGE = 2;
/** A bug of pinless itself. */
export const EXIT_BUG = 70;

/**
 * The `pinless` command.
 * @param args what was typed behind the command's name
 * @returns the exit status
 */
export async function run(args: readonly string[], version: string, output: Output): Promise<number> {
  let status = 0;
  const program = new Command('pinless')
    .description('Reference emulator for memory that devices share with the kernel.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        output.out(text);
      },
      writeErr: (text) => {
        output.err(text);
      },
    })
    .showHelpAfterError('(pinless --help says how it is used)');
  const finish = (result: number): void => {
    status = result;
  };
  const commands = [
    compareCommand,
    runCommand,
    explainCommand,
    conformCommand,
    fuzzCommand,
    checkDriverCommand,
    exploreCommand,
    newDriverCommand,
    packCommand,
  ];
  for (const command of commands.map((make) => make(output, finish))) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    return report(error, output);
  }
}

/** Says what went wrong, in one message without a stack trace unless it is our own fault. */
function report(error: unknown, output: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const cause = error instanceof TaskFailure ? error.cause : error;
  if (cause instanceof UsageError || cause instanceof CaptureError || cause instanceof ProgramError) {
    output.err(`pinless: ${cause.message}\n`);
    return EXIT_USAGE;
  }
  if (stopsARun(cause)) {
    output.err(`pinless: the run was stopped: ${messageOf(error)}\n`);
    return EXIT_USAGE;
  }
  output.err(`pinless: this is a bug of pinless, please report it: ${messageOf(error)}\n`);
  if (cause instanceof Error && cause.stack !== undefined) output.err(`${cause.stack}\n`);
  return EXIT_BUG;
}

/** What a driver, a rule or the machine's limits can do to a run. */
function stopsARun(cause: unknown): boolean {
  return (
    cause instanceof DeadlockError ||
    cause instanceof SimulationError ||
    cause instanceof DriverError ||
    cause instanceof RuleViolation ||
    isErrno(cause)
  );
}
