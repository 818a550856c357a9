import type { PluggedIn } from '../../../devices/contract/index.js';
import type { Task } from '../../engine/index.js';
import { MS, TaskFailure, messageOf } from '../../engine/index.js';
import { isErrno } from '../../base/index.js';
import { endsProcess } from './check-program.js';
import { finalOf } from './final.js';
import { OP_HANDLERS } from './ops/index.js';
import { parseLine, type Op } from './parse-program.js';
import { probePagemap, probeVmas } from './probes.js';
import { NotModelled } from './program-error.js';
import { ProgramWorld } from './program-world.js';
import { PROGRAM_TASK } from './recorder.js';
import type { FinalFile, RecordedStep, RecordedVma, StepResult } from './recorded.js';
import type { OpHandler } from './op-handler.js';
import type { OpName } from './op-table.js';

/** What the recorder took from one op to the next, to look at page tables for one: I/O that an op began has ended by then. */
const BETWEEN_STEPS = 1 * MS;

/** On what a program runs, and who watches. */
export interface RunOptions {
  /** Look at pagemap and mappings after every step; default true. */
  readonly probes?: boolean;
  /** Somebody who looks on and throws if something is wrong. */
  readonly watch?: ProgramWatch;
  /** A driver to try, on a NIC, or a device that brings one along; absent: the software NIC of the recordings. */
  readonly tried?: PluggedIn;
}

/** Begins to watch a machine. */
export type ProgramWatch = (world: ProgramWorld) => {
  /** After every step. */
  readonly afterStep: () => void;
  /** When the process has gone and its files have been looked at. */
  readonly atEnd: () => void;
  /** When the run was stopped by something else than a lack of a model. */
  readonly failed?: (error: unknown) => void;
};

/** What a program did, as far as it came. */
export interface ProgramRun {
  readonly steps: readonly RecordedStep[];
  readonly final: Readonly<Record<string, FinalFile>>;
  readonly areas: readonly string[];
  /** Why it stopped before its end, one step behind the last op if it was while its files were looked at. */
  readonly stopped: { readonly step: number; readonly reason: string; readonly modelled: boolean } | null;
}

/** The ops that a program has but does not write: its children exit, then it does. */
export function withImplicitExit(ops: readonly Op[]): Op[] {
  const last = ops.at(-1);
  if (last?.op === 'after_exit') return [...ops];
  const alive = new Set<string>();
  for (const { op, args } of ops) {
    if (op === 'fork') alive.add(String(args.child));
    if (op === 'exit' && typeof args.proc === 'string') alive.delete(args.proc);
  }
  const gone = last !== undefined && endsProcess(last);
  const missing = [...alive].map((child) => `exit proc=${child}`);
  const lines = [...(gone ? [] : [...missing, 'exit']), 'after_exit'];
  return [...ops, ...lines.flatMap((line, i) => parseLine(line, (last?.line ?? 0) + 1 + i) ?? [])];
}

/**
 * Runs a program on a machine of its own. Whatever goes wrong in it is told in `stopped`.
 * @throws what `options.tried` throws when it is to make its driver or device
 */
export function runProgram(ops: readonly Op[], options: RunOptions = {}): ProgramRun {
  const world = new ProgramWorld(options.tried);
  const steps: RecordedStep[] = [];
  const final: Record<string, FinalFile> = {};
  let stopped: ProgramRun['stopped'] = null;
  let watcher: ReturnType<ProgramWatch> | null = null;
  try {
    const watching = options.watch?.(world) ?? null;
    watcher = watching;
    const probe = options.probes === false ? null : new ChangeProbe(world);
    const run = runSteps(world, ops, final, (step) => {
      watching?.afterStep();
      steps.push({ ...step, ...probe?.look() });
    });
    world.simulation.runTask(PROGRAM_TASK, run);
    watching?.atEnd();
  } catch (error) {
    const cause = error instanceof TaskFailure ? error.cause : error;
    if (!(cause instanceof NotModelled)) watcher?.failed?.(error);
    const modelled = !(cause instanceof NotModelled);
    // With somebody's driver it need not be the emulator: what the message says is what is known.
    const whose = modelled && options.tried === undefined ? 'the emulator failed: ' : '';
    stopped = { step: steps.length, reason: `${whose}${messageOf(cause)}`, modelled };
  }
  return { steps, final, areas: world.areas.list.map(({ name }) => name), stopped };
}

function* runSteps(
  world: ProgramWorld,
  ops: readonly Op[],
  final: Record<string, FinalFile>,
  done: (step: RecordedStep) => void,
): Task {
  for (const op of ops) {
    const returned = yield* runOp(world, op);
    const uffd = world.userfaultfds.take();
    const result = uffd.length === 0 ? returned : { ...returned, uffd };
    yield BETWEEN_STEPS;
    done({ do: { op: op.op, ...op.written }, result, events: world.recorder.take() });
  }
  for (const file of world.files.values()) {
    const held = yield* finalOf(file);
    if (held !== undefined) final[file.name] = held;
  }
}

function* runOp(world: ProgramWorld, op: Op): Task<StepResult> {
  // The table says that the arguments of this op are those that its handler takes.
  const handler = OP_HANDLERS[op.op] as OpHandler<OpName> | undefined;
  if (handler === undefined) throw new NotModelled(`op ${op.op} is not modelled`);
  world.recorder.actor = typeof op.args.proc === 'string' ? op.args.proc : undefined;
  try {
    return yield* handler(world, op.args);
  } catch (error) {
    if (isErrno(error)) return { errno: error.code };
    throw error;
  }
}

/** Page states and mappings, where they have changed since the last look. */
class ChangeProbe {
  private readonly pagemaps = new Map<string, string>();
  private vmas = '[]';

  constructor(private readonly world: ProgramWorld) {}

  look(): { pagemap?: Record<string, string>; vmas?: RecordedVma[] } {
    const { mm, areas } = this.world;
    if (!mm.alive) return {};
    const pagemap: Record<string, string> = {};
    for (const area of areas.list) {
      const now = probePagemap(mm, area);
      if ((this.pagemaps.get(area.name) ?? '') === now) continue;
      this.pagemaps.set(area.name, now);
      pagemap[area.name] = now;
    }
    const vmas = probeVmas(mm, areas);
    const text = JSON.stringify(vmas);
    const changed = text !== this.vmas;
    this.vmas = text;
    return {
      ...(Object.keys(pagemap).length > 0 ? { pagemap } : {}),
      ...(changed ? { vmas } : {}),
    };
  }
}
