import { stepsOf } from './support/steps.js';

const MR = 'mr name=r map=m first=0 pages=16';

describe('a broken page of shared memory', () => {
  const TMPFS = 'map name=m kind=tmpfs share=shared prot=rw pages=16 content=cached';

  it('stays in the file, so that nobody takes a hole for data', () => {
    const { results } = stepsOf(
      TMPFS,
      'cpu_write map=m first=0 pages=4 value=7',
      'madvise map=m first=1 pages=1 advice=hwpoison',
      'map name=n file=m share=shared prot=rw pages=16',
      'cpu_read map=n first=0 pages=3',
      'pread map=m page=1',
      'pread map=m first=0 pages=3',
      'pwrite map=m page=1 value=8',
      'fsync map=m',
    );
    expect(results.slice(4, 9)).toEqual([
      { values: [7, 'SIGBUS', 7] },
      { errno: 'EIO' },
      { values: [7, null, null], ret: 4096 },
      { errno: 'EIO' },
      {},
    ]);
  });
});

describe('a broken page of a file on a disk', () => {
  const EXT4 = 'map name=m kind=ext4 share=shared prot=rw pages=16 content=written';

  it('is an EIO for the first direct read, and for the first sync', () => {
    const { results } = stepsOf(
      EXT4,
      'cpu_write map=m page=2 value=7',
      'madvise map=m first=2 pages=1 advice=hwpoison',
      'odirect_read map=m page=2',
      'odirect_read map=m page=2',
      'msync map=m first=0 pages=16 flags=sync',
      'fdatasync map=m',
    );
    expect(results.slice(3, 7)).toEqual([{ errno: 'EIO' }, { value: 99 }, { errno: 'EIO' }, {}]);
  });

  it('cannot be told from its large folio while that is dirty: the folio stays as it is', () => {
    const { results, told } = stepsOf(
      EXT4.replace('written', 'cached'),
      'cpu_write map=m page=2 value=7',
      MR,
      'madvise map=m first=4 pages=1 advice=soft_offline',
      'madvise map=m first=4 pages=1 advice=hwpoison',
      'folios map=m',
    );
    expect(results.slice(3, 6)).toEqual([{ errno: 'EBUSY' }, { errno: 'EHWPOISON' }, { folios: [16] }]);
    expect(told.slice(3, 5)).toEqual(['', '']);
  });
});

describe('a broken page of a file in memory of a device', () => {
  it('is unmapped, and may be used again', () => {
    const { results, told } = stepsOf(
      'map name=m kind=dax share=shared prot=rw pages=16',
      'cpu_write map=m first=0 pages=4 value=7',
      MR,
      'madvise map=m first=1 pages=1 advice=hwpoison',
      'rdma_read mr=r page=1',
      'madvise map=m first=1 pages=1 advice=soft_offline',
    );
    expect(told[3]).toBe('CLEAR[1,2)');
    expect(results.slice(4, 6)).toEqual([{ status: 'SUCCESS', value: 7 }, { errno: 'EIO' }]);
  });
});

describe('a broken page of hugetlb', () => {
  const REGION = 'mr name=r map=m first=0 pages=1024';

  it('takes all 2 MiB of private memory with it, and a child gets them so', () => {
    const { results, told } = stepsOf(
      'map name=m kind=hugetlb share=private prot=rw pages=1024',
      'cpu_write map=m page=3,600 value=7',
      REGION,
      'madvise map=m first=515 pages=1 advice=hwpoison',
      'cpu_read map=m page=3,600',
      'rdma_write mr=r page=700 value=1',
      'fork child=c',
      'cpu_read proc=c map=m page=600',
      'madvise map=m first=512 pages=512 advice=dontneed',
      'cpu_read map=m page=600',
    );
    expect(told[3]).toBe('CLEAR[512,1024)');
    expect(results.slice(4, 6)).toEqual([{ values: [7, 'SIGBUS'] }, { status: 'REM_ACCESS_ERR' }]);
    expect([results[7], results[9]]).toEqual([{ signal: 'SIGBUS' }, { value: 0 }]);
  });

  it('stays in its file', () => {
    const { results } = stepsOf(
      'map name=m kind=hugefile share=shared prot=rw pages=1024',
      'cpu_write map=m page=3,600 value=7',
      'madvise map=m first=515 pages=1 advice=hwpoison',
      'map name=n file=m share=shared prot=rw pages=1024',
      'cpu_read map=n page=3,600',
    );
    expect(results[4]).toEqual({ values: [7, 'SIGBUS'] });
  });

  it('moves with all 2 MiB to other ones if it is only not to be trusted', () => {
    const { results, told } = stepsOf(
      'map name=m kind=hugetlb share=private prot=rw pages=1024',
      'cpu_write map=m page=3,600 value=7',
      REGION,
      'madvise map=m first=3 pages=1 advice=soft_offline',
      'rdma_read mr=r page=3',
    );
    expect([told[3], results[4]]).toEqual(['CLEAR[0,512)', { status: 'SUCCESS', value: 7 }]);
  });
});

describe('ksm_scan', () => {
  it('counts merged pages and those that share them, and a device reads them', () => {
    const { results, told } = stepsOf(
      'map name=m kind=anon share=private prot=rw pages=16',
      'fill map=m first=0 pages=4 value=7',
      MR,
      'madvise map=m first=0 pages=16 advice=mergeable',
      'ksm_scan scans=2',
      'rdma_read mr=r page=3',
      'rdma_write mr=r page=3 value=9',
      'cpu_read map=m page=2,3',
    );
    expect(results[4]).toEqual({ pages_sharing: 3, pages_shared: 1 });
    expect(results.slice(5, 8)).toEqual([{ status: 'SUCCESS', value: 7 }, { status: 'SUCCESS' }, { values: [7, 9] }]);
    expect(told[6]).toBe('CLEAR[3,4)');
  });
});
