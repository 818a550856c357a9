import { stepsOf } from './support/steps.js';

const PRIVATE = 'map name=m kind=hugetlb share=private prot=rw pages=1024';
const FILE = 'map name=m kind=hugefile share=shared prot=rw pages=1024';
const TOUCH = 'cpu_write map=m page=3,600 value=7';

describe('private hugetlb memory', () => {
  it('is one folio of 2 MiB after a fault anywhere in it', () => {
    const { results } = stepsOf(PRIVATE, 'cpu_write map=m page=600 value=7', 'folios map=m', 'cpu_read map=m page=601');
    expect(results.slice(2, 4)).toEqual([{ folios: [-512, 512] }, { value: 0 }]);
  });

  it('says CLEAR of the whole mapping at fork, and of 2 MiB when the copy is made', () => {
    const { told } = stepsOf(PRIVATE, TOUCH, 'fork child=c', 'cpu_write map=m page=5 value=8', 'exit proc=c');
    expect(told.slice(2, 4)).toEqual(['CLEAR[0,1024)', 'CLEAR[0,512)']);
  });

  it('is the writer’s own again when the child is gone', () => {
    const { told } = stepsOf(PRIVATE, TOUCH, 'fork child=c', 'exit proc=c', 'cpu_write map=m page=5 value=8');
    expect(told[4]).toBe('');
  });

  it('is copied for the child at fork where a device has pinned it', () => {
    const { results, told } = stepsOf(
      PRIVATE,
      TOUCH,
      'mr name=p map=m mode=pinned first=0 pages=512',
      'fork child=c',
      'cpu_write map=m page=3 value=9',
      'rdma_read mr=p page=3',
      'cpu_read proc=c map=m page=3',
    );
    expect(told[4]).toBe('');
    expect(results.slice(5, 7)).toEqual([{ status: 'SUCCESS', value: 9 }, { value: 7 }]);
  });

  it('tells a change of rights even where nothing was ever mapped', () => {
    expect(stepsOf(PRIVATE, 'mprotect map=m first=512 pages=512 prot=r').told[1]).toBe('PROTECTION_VMA[512,1024)');
  });

  it('cannot be cut inside a huge page, nor grow', () => {
    const { results } = stepsOf(
      PRIVATE,
      'munmap map=m first=0 pages=4',
      'mprotect map=m first=0 pages=4 prot=r',
      'mremap map=m first=0 pages=1024 new_pages=1536',
      'mremap map=m first=0 pages=512 new_pages=512 to=e dontunmap=1',
    );
    expect(results.slice(1, 5)).toEqual(Array.from({ length: 4 }, () => ({ errno: 'EINVAL' })));
  });

  it('moves with CLEAR, where other memory says UNMAP', () => {
    const { told } = stepsOf(PRIVATE, TOUCH, 'mremap map=m first=0 pages=512 new_pages=512 to=e');
    expect(told[2]).toBe('CLEAR[0,512) UNMAP[0,512)');
  });

  it('is tried ten times, in vain, when it is to move and a device has it pinned', () => {
    const { results, told } = stepsOf(
      PRIVATE,
      TOUCH,
      'mr name=p map=m mode=pinned first=0 pages=512',
      'move_pages map=m page=0',
    );
    expect(told[3]).toBe(Array.from({ length: 10 }, () => 'CLEAR[0,512)').join(' '));
    expect(results[3]).toEqual({ pages: ['?'], ret: 1 });
  });
});

describe('a file of huge pages', () => {
  it('is truncated to multiples of 2 MiB, with one CLEAR', () => {
    const { results, told } = stepsOf(FILE, TOUCH, 'ftruncate map=m pages=3', 'ftruncate map=m pages=512');
    expect(results[2]).toEqual({ errno: 'EINVAL' });
    expect(told[3]).toBe('CLEAR[512,1024)');
  });

  it('zeroes what a hole takes of a huge page, and gives up whole ones', () => {
    const { results, told } = stepsOf(
      FILE,
      TOUCH,
      'fallocate map=m mode=punch first=3 pages=1021',
      'cpu_read map=m page=3,600',
    );
    expect(told[2]).toBe('CLEAR[512,1024)');
    expect(results[3]).toEqual({ values: [0, 0] });
  });

  it('cannot be written with write(2)', () => {
    expect(stepsOf(FILE, 'pwrite map=m page=0 value=1').results[1]).toEqual({ errno: 'EINVAL' });
  });

  it('is copied by a private mapping when that writes', () => {
    const { results, told } = stepsOf(
      FILE,
      TOUCH,
      'map name=d file=m share=private prot=rw pages=512',
      'cpu_write map=d page=3 value=8',
      'cpu_read map=m page=3',
    );
    expect(told[3]).toBe('CLEAR d[0,512)');
    expect(results[4]).toEqual({ value: 7 });
  });
});
