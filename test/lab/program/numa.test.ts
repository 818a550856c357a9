import { stepsOf } from './support/steps.js';

const SHMEM = 'map name=m kind=shmem share=shared prot=rw pages=8 thp=never';

describe('mbind', () => {
  it('tells nobody again of a folio that the new border of the mapping has taken out of the page table', () => {
    const { told } = stepsOf(
      'set name=shmem_thp value=advise',
      'map name=m kind=shmem share=shared prot=rw pages=512 thp=advise',
      'cpu_write map=m page=0 value=1',
      'mbind map=m first=64 pages=1',
    );
    expect(told[3]).toBe('CLEAR[0,512)');
  });

  it('moves what is elsewhere, and nothing of shared memory that was made after the policy was set', () => {
    const { told } = stepsOf(
      SHMEM,
      'cpu_write map=m page=0 value=1',
      'mbind map=m first=4 pages=2',
      'cpu_write map=m page=4 value=1',
      'mbind map=m first=0 pages=8',
    );
    expect(told[4]).toBe('CLEAR[0,1)');
  });

  it('sets the policy of shared memory for every mapping of it, and for mappings to come', () => {
    const { told } = stepsOf(
      SHMEM,
      'map name=d file=m share=shared prot=rw pages=8',
      'mbind map=m first=0 pages=8',
      'munmap map=m first=0 pages=8',
      'cpu_write map=d page=3 value=1',
      'mbind map=d first=0 pages=8',
    );
    expect(told[5]).toBe('');
  });
});

describe('move_pages', () => {
  it('gives up what waits to be moved one huge page after the other: each is a batch of its own', () => {
    const { told, results } = stepsOf(
      'set name=shmem_thp value=advise',
      'map name=m kind=shmem share=shared prot=rw pages=1024 thp=advise',
      'cpu_write map=m page=0,512 value=1',
      'mr name=r map=m mode=pinned access=rr first=0 pages=1024',
      'move_pages map=m page=0,512',
    );
    expect(told[4]).toBe('CLEAR[0,512) CLEAR[0,512) CLEAR[512,1024) CLEAR[512,1024)');
    expect(results[4]).toEqual({ pages: ['?', '?'], ret: 2 });
  });
});
