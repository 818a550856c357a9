import { parseProgram, runProgram, withImplicitExit } from '../../../src/lab/program/index.js';

/** The results of the ops of a program, in order. */
function results(...lines: string[]): unknown[] {
  const run = runProgram(withImplicitExit(parseProgram(lines.join('\n'))));
  if (run.stopped !== null) throw new Error(run.stopped.reason);
  return run.steps.map(({ result }) => result);
}

const TMPFS = 'map name=m kind=tmpfs share=shared prot=rw pages=4 content=hole thp=never';
const PAGEOUT = 'madvise map=m first=0 pages=4 advice=pageout';

describe('tmpfs', () => {
  it('keeps what was written when its pages go to the swap device', () => {
    const steps = results(TMPFS, 'cpu_write map=m page=1 value=7', PAGEOUT, 'folios map=m', 'cpu_read map=m page=1');
    expect(steps.slice(3, 5)).toEqual([{ folios: [-4] }, { value: 7 }]);
  });

  it('loses at pageout what a device wrote to a page that only reads have brought in: nothing says that it is dirty', () => {
    const steps = results(
      TMPFS,
      'cpu_read map=m page=1',
      'mr name=r map=m first=0 pages=4',
      'rdma_write mr=r page=1 value=7',
      PAGEOUT,
      'cpu_read map=m page=1',
    );
    expect(steps[5]).toEqual({ value: 0 });
  });

  it('forgets swapped pages with a truncation, and zeroes the part behind the new end of one that comes back', () => {
    const steps = results(
      TMPFS,
      'cpu_write map=m first=0 pages=4 value=7',
      PAGEOUT,
      'ftruncate map=m bytes=4097',
      'ftruncate map=m pages=4',
      'cpu_read map=m first=0 pages=4',
    );
    expect(steps[5]).toEqual({ values: [7, 7, 0, 0] });
  });

  it('has faults pass over the pages that drop_caches could not drop', () => {
    const unmapped = [
      TMPFS,
      'cpu_write map=m first=0 pages=4 value=7',
      'madvise map=m first=0 pages=4 advice=dontneed',
    ];
    const look = ['cpu_read map=m page=0', 'folios map=m'];
    expect(results(...unmapped, ...look)[4]).toEqual({ folios: [1, 1, 1, 1] });
    expect(results(...unmapped, 'drop_caches n=1', ...look)[5]).toEqual({ folios: [1, -3] });
  });

  it('does not listen to fadvise', () => {
    const steps = results(
      TMPFS,
      'cpu_read map=m page=1',
      'madvise map=m first=0 pages=4 advice=dontneed',
      'fadvise_dontneed map=m',
      'cpu_read map=m page=0',
      'folios map=m',
    );
    expect(steps[5]).toEqual({ folios: [1, 1, -2] });
  });

  it('punches holes and reserves pages, and knows no other mode of fallocate', () => {
    const steps = results(
      TMPFS,
      'fallocate map=m mode=zero first=0 pages=1',
      'fallocate map=m mode=collapse first=0 pages=1',
      'fallocate map=m mode=alloc first=0 pages=6',
      'pread map=m page=5',
    );
    expect(steps.slice(1, 5)).toEqual([{ errno: 'EOPNOTSUPP' }, { errno: 'EOPNOTSUPP' }, {}, { value: 0 }]);
  });
});

describe('shared anonymous memory', () => {
  const MAP = 'map name=m kind=shmem share=shared prot=rw pages=1024 thp=advise';

  it('gets huge folios where the setting and the mapping ask for them', () => {
    const write = 'cpu_write map=m page=3 value=1';
    expect(results(MAP, write, 'folios map=m')[2]).toEqual({ folios: [-3, 1, -1020] });
    expect(results('set name=shmem_thp value=advise', MAP, write, 'folios map=m')[3]).toEqual({ folios: [512, -512] });
  });
});
