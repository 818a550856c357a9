import { parseProgram, runProgram, withImplicitExit } from '../../../src/lab/program/index.js';

/** What file m holds after a program. */
function finalOf(...lines: string[]): unknown {
  const run = runProgram(withImplicitExit(parseProgram(lines.join('\n'))));
  if (run.stopped !== null) throw new Error(run.stopped.reason);
  return run.final.m;
}

const BTRFS = 'map name=m kind=btrfs share=shared prot=rw pages=4 content=written';

describe('what a file holds in the end', () => {
  it('is what reads find in the page cache and, after an fsync, on the disk', () => {
    expect(finalOf(BTRFS, 'cpu_write map=m page=1 value=7', 'ftruncate map=m pages=3')).toEqual({
      size: 3 * 4096,
      cache: [97, 7, 99],
      disk: [97, 7, 99],
    });
  });

  it('is zeros on the disk where a block was allocated ahead, whatever that block held before', () => {
    // The commits free the blocks of before, and the next allocation takes them.
    const steps = ['cpu_write map=m first=0 pages=4 value=7', 'fsync map=m', 'cpu_write map=m first=0 pages=4 value=8'];
    expect(finalOf(BTRFS, ...steps, 'fsync map=m', 'fallocate map=m mode=zero first=2 pages=2')).toEqual({
      size: 4 * 4096,
      cache: [8, 8, 0, 0],
      disk: [8, 8, 0, 0],
    });
  });
});
