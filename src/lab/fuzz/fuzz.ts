import fc from 'fast-check';
import type { PluggedIn } from '../../../devices/contract/index.js';
import { parseProgram, runProgram, type ProgramWatch } from '../program/index.js';
import { assemble } from './assemble.js';
import { choices } from './choices.js';
import { KINDS, type ProgramKind } from './kinds.js';

/** A generated program, and how it went. */
export interface FuzzResult {
  readonly seed: number;
  readonly program: readonly string[];
  /** What it asks for that the emulator has no model of: it ran up to there. */
  readonly notModelled: string | null;
  /** What went wrong, and the shortest program found with which something does. */
  readonly failure: { readonly reason: string; readonly program: readonly string[] } | null;
}

export interface FuzzOptions {
  /** A driver to try, on a NIC, or a device that brings one along; absent: the software NIC of the recordings. */
  readonly tried?: PluggedIn;
  /** Runs that shrinking a program that fails may take; default 400. */
  readonly shrinkRuns?: number;
}

/**
 * The program of a kind and a seed, run under the rules that `watch` keeps.
 * @throws what `options.tried` throws when it is to make its driver or device
 */
export function fuzzOne(kind: ProgramKind, seed: number, watch: ProgramWatch, options: FuzzOptions = {}): FuzzResult {
  const { tried, shrinkRuns = 400 } = options;
  const arbitrary = choices(kind.contents.length > 0);
  let first = null as { program: readonly string[]; outcome: Outcome } | null;
  let runs = 0;
  const details = fc.check(
    fc.property(arbitrary, (drawn) => {
      const program = assemble(kind, drawn);
      if (runs++ > shrinkRuns) return true;
      const outcome = runUnder(program, watch, tried);
      first ??= { program, outcome };
      return outcome.failure === null;
    }),
    { seed: seed * KINDS.length + KINDS.indexOf(kind), numRuns: 1 },
  );
  if (first === null) throw details.errorInstance;
  const { program, outcome } = first;
  if (!details.failed || details.counterexample === null) {
    return { seed, program, notModelled: outcome.notModelled, failure: null };
  }
  const shortest = assemble(kind, details.counterexample[0]);
  const reason = runUnder(shortest, watch, tried).failure ?? 'it failed once, and not again';
  return { seed, program, notModelled: null, failure: { reason, program: shortest } };
}

interface Outcome {
  readonly notModelled: string | null;
  readonly failure: string | null;
}

function runUnder(program: readonly string[], watch: ProgramWatch, tried: PluggedIn | undefined): Outcome {
  const options = { probes: false, watch, ...(tried === undefined ? {} : { tried }) };
  const { stopped } = runProgram(parseProgram(program.join('\n')), options);
  if (stopped === null) return { notModelled: null, failure: null };
  return stopped.modelled
    ? { notModelled: null, failure: `step ${String(stopped.step)}: ${stopped.reason}` }
    : { notModelled: stopped.reason, failure: null };
}
