import { Rules } from '../../src/check/index.js';
import { parseProgram, runProgram, withImplicitExit } from '../../src/lab/program/index.js';

/** MADV_FREE leaves a page writable and clean; the NIC writes to it, so it is wanted again; reclaim comes by. */
const PROGRAM = withImplicitExit(
  parseProgram(
    [
      'map name=m kind=anon share=private prot=rw pages=4',
      'cpu_write map=m page=1 value=0x11',
      'mr name=r map=m first=0 pages=4',
      'madvise map=m first=0 pages=4 advice=free',
      'rdma_write mr=r page=1 value=0x22',
      'madvise map=m first=0 pages=4 advice=pageout',
    ].join('\n'),
  ),
);

function verdict(handsOverDirty: boolean): string {
  const run = runProgram(PROGRAM, {
    watch: ({ system, device }) => {
      const rules = new Rules(system);
      rules.watch(device.observed, { handsOverDirty });
      return { afterStep: () => undefined, atEnd: () => rules.finish() };
    },
  });
  return run.stopped?.reason ?? 'nothing is wrong';
}

it('R5: rxe never says what it has written, so reclaim may drop it (F23)', () => {
  expect(verdict(true)).toMatch(
    /rule R5 broken by rxe .* the device wrote to it .* neither the folio nor the entry is dirty/,
  );
});

it('R5 is not asked of it where it is to do as Linux’s does', () => {
  expect(verdict(false)).toBe('nothing is wrong');
});
