import { stepsOf } from './support/steps.js';

const HOLE = 'map name=m kind=dax share=shared prot=rw pages=16 content=hole thp=never';
const WRITTEN = 'map name=m kind=dax share=shared prot=rw pages=16 content=written thp=never';
const SECOND = 'map name=d file=m share=shared prot=rw pages=16 thp=never';

describe('a DAX file', () => {
  it('shows at once, in every mapping, what write(2) wrote', () => {
    const { results, told } = stepsOf(
      WRITTEN,
      'cpu_read map=m page=2',
      'pwrite map=m page=2 value=9',
      'cpu_read map=m page=2',
    );
    expect(results[3]).toEqual({ value: 9 });
    expect(told[2]).toBe('');
  });

  it('takes the zero page away from every mapping when a write gives the hole a block', () => {
    const { told } = stepsOf(
      HOLE,
      SECOND,
      'cpu_read map=m page=2',
      'cpu_read map=d page=2',
      'cpu_write map=d page=2 value=1',
    );
    expect(told[4]).toBe('CLEAR[2,3) CLEAR d[2,3)');
  });

  it('does so for each run of new blocks of a write(2), once anything was mapped', () => {
    const before = stepsOf(HOLE, 'pwrite map=m first=1 pages=2 value=1');
    expect(before.told[1]).toBe('');
    const after = stepsOf(
      HOLE,
      'pwrite map=m page=3 value=1',
      'cpu_read map=m page=9',
      'pwrite map=m first=1 pages=4 value=2',
    );
    expect(after.told[3]).toBe('CLEAR[1,3) CLEAR[4,5)');
  });

  it('is made read-only page by page at fsync, without folio_mkclean, in mappings that never showed the page too', () => {
    const { told } = stepsOf(WRITTEN, SECOND, 'cpu_write map=m page=4,2 value=1', 'fsync map=m', 'fsync map=m');
    expect(told[3]).toBe('PROTECTION_PAGE[2,3) PROTECTION_PAGE d[2,3) PROTECTION_PAGE[4,5) PROTECTION_PAGE d[4,5)');
    expect(told[4]).toBe('');
  });

  it('is unmapped as a whole before blocks move, and then has nothing to be synced', () => {
    const { told } = stepsOf(
      WRITTEN,
      'cpu_write map=m page=4 value=1',
      'fallocate map=m mode=punch first=8 pages=2',
      'fsync map=m',
    );
    expect(told[2]).toBe('CLEAR[0,16) CLEAR[8,10)');
    expect(told[3]).toBe('');
  });

  it('gives a private mapping a copy, which stays when the layout changes', () => {
    const { results } = stepsOf(
      WRITTEN,
      'map name=d file=m share=private prot=rw pages=16 thp=never',
      'cpu_write map=d page=1 value=1',
      'ftruncate map=m pages=16',
      'cpu_read map=d page=1',
      'cpu_read map=m page=1',
    );
    expect(results.slice(4, 6)).toEqual([{ value: 1 }, { value: 98 }]);
  });

  it('can be pinned by no device, and does not move between nodes', () => {
    const { results } = stepsOf(
      WRITTEN,
      'cpu_write map=m page=1 value=1',
      'mr name=p map=m mode=pinned first=0 pages=16',
      'move_pages map=m page=1',
    );
    expect(results.slice(2, 4)).toEqual([{ errno: 'EOPNOTSUPP' }, { pages: ['EFAULT'] }]);
  });
});
