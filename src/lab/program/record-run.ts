import { PAGE_SIZE } from '../../base/index.js';
import { printOp, type Op } from './parse-program.js';
import type { Recording } from './recorded.js';
import type { ProgramRun } from './run-program.js';

/** A run in the form in which real kernels were recorded. */
export function recordRun(name: string, ops: readonly Op[], run: ProgramRun): Recording {
  const folios = run.steps.find((step) => step.do.op === 'folios')?.result.folios;
  return {
    name,
    kernel: 'pinless',
    program: ops.map(printOp),
    setup: {
      page_size: PAGE_SIZE,
      areas: run.areas,
      ...(folios === undefined ? {} : { folios: folios as readonly number[] }),
    },
    steps: run.steps,
    final: run.final,
  };
}
