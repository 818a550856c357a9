import { stepsOf } from './support/steps.js';

const ANON = 'map name=m kind=anon share=private prot=rw pages=8';
const SHMEM = 'map name=m kind=shmem share=shared prot=rw pages=8';

describe('userfaultfd in a program', () => {
  it('says in the result what its handler has seen', () => {
    const { results } = stepsOf(ANON, 'uffd_register map=m first=0 pages=4 mode=missing', 'cpu_read map=m page=2');
    expect(results[2]).toEqual({ value: 0, uffd: [{ map: 'm', page: 2, write: false, wp: false }] });
  });

  it('is not asked for a device that pages on demand: hmm_range_fault cannot wait, and the access fails', () => {
    const { results, told } = stepsOf(
      ANON,
      'cpu_write map=m page=1 value=5',
      'mr name=r map=m first=0 pages=8',
      'uffd_register map=m first=0 pages=4 mode=missing,wp',
      'rdma_read mr=r page=3',
      'uffd_wp map=m first=0 pages=4 on=1',
      'rdma_write mr=r page=1 value=6',
      'rdma_read mr=r page=1',
    );
    expect(results.slice(4)).toEqual([
      { status: 'REM_ACCESS_ERR' },
      {},
      { status: 'REM_ACCESS_ERR' },
      { status: 'SUCCESS', value: 5 },
      {},
      {},
    ]);
    expect(told[5]).toBe('PROTECTION_VMA[0,4)');
  });

  it('protects pages of shared memory that come back, and pages that are not there yet', () => {
    const { results } = stepsOf(
      SHMEM,
      'cpu_write map=m page=1,6 value=5',
      'uffd_register map=m first=0 pages=8 mode=wp',
      'uffd_wp map=m first=0 pages=8 on=1',
      'madvise map=m first=0 pages=8 advice=dontneed',
      'cpu_write map=m page=1 value=6',
      'cpu_write map=m page=2 value=7',
      'uffd_wp map=m first=4 pages=4 on=0',
      'cpu_write map=m page=6 value=8',
      'cpu_read map=m page=1,2,6',
    );
    const wp = (page: number): unknown => ({ uffd: [{ map: 'm', page, write: true, wp: true }] });
    expect(results.slice(5)).toEqual([wp(1), wp(2), {}, {}, { values: [6, 7, 8] }, {}, {}]);
  });

  it('gives shared memory new pages of its file, page by page', () => {
    const { results, told } = stepsOf(
      SHMEM,
      'uffd_register map=m first=0 pages=8 mode=missing',
      'cpu_write map=m page=1 value=6',
      'fork child=c',
      'cpu_read proc=c map=m page=1,2',
    );
    expect(results.slice(2, 5)).toEqual([
      { uffd: [{ map: 'm', page: 1, write: true, wp: false }] },
      {},
      { values: [6, 0] },
    ]);
    expect(told[2]).toBe('');
  });

  it('forgets marks of protection with the registration', () => {
    const { results } = stepsOf(
      SHMEM,
      'uffd_register map=m first=0 pages=8 mode=wp',
      'uffd_wp map=m first=0 pages=8 on=1',
      'uffd_unregister map=m first=0 pages=8',
      'cpu_write map=m page=1 value=6',
    );
    expect(results[4]).toEqual({});
  });
});
