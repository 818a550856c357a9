import { parseProgram, printStep, runProgram, withImplicitExit } from '../../../src/lab/program/index.js';

/** What a program does, step by step, as `pinless run` prints it; without what the operations were. */
function story(...lines: string[]): string[] {
  const run = runProgram(withImplicitExit(parseProgram(lines.join('\n'))));
  if (run.stopped !== null) throw new Error(run.stopped.reason);
  return run.steps.map((step) => printStep('', step, run.areas[0]).replace(/^: ?/, ''));
}

const ANON = 'map name=m kind=anon share=private prot=rw pages=16';

describe('a run', () => {
  it('says what each op does to CPU and device, in pages of the area', () => {
    expect(
      story(
        ANON,
        'cpu_write map=m page=3 value=0x11',
        'mr name=r map=m first=0 pages=8',
        'rdma_write mr=r page=3,4 value=2',
      ).slice(1, 4),
    ).toEqual(['w3', 'mr_registered[0,8) snap[0,8)=8', 'F[4,5)=1 w4@k => SUCCESS']);
  });

  it('has no notifications before a region is registered, as Linux has none without a subscriber', () => {
    const dontneed = 'madvise map=m first=0 pages=16 advice=dontneed';
    expect(story(ANON, dontneed, 'mr name=r map=m first=4 pages=4', dontneed).slice(1, 4)).toEqual([
      '',
      'mr_registered[4,8) snap[4,8)=4',
      '<CLEAR[0,16) cb u[4,8)>',
    ]);
  });

  it('tells of flushes of one range after another as of one', () => {
    const [, , , flushed] = story(
      ANON,
      'cpu_write map=m first=0 pages=16 value=1',
      'mr name=r map=m first=0 pages=16',
      'madvise map=m first=2 pages=6 advice=dontneed',
    );
    expect(flushed.match(/t\[/g)).toHaveLength(1);
  });

  it('keeps data where it belongs: what the device wrote is read by the CPU, and by an atomic', () => {
    expect(
      story(
        ANON,
        'mr name=r map=m first=0 pages=16',
        'rdma_write mr=r page=2 value=0x41 len=16',
        'rdma_faa mr=r page=2 add=1',
        'cpu_read map=m page=2',
        'send mr=r page=2',
        'recv mr=r page=9 value=7',
        'cpu_read map=m page=9,10',
      )
        .slice(2, 8)
        .map((line) => line.replace(/^.*=> /, '')),
    ).toEqual([
      'SUCCESS',
      'SUCCESS, old 0x4141414141414141',
      'value 0x42',
      'SUCCESS, value 0x42',
      'SUCCESS, recv_status SUCCESS',
      'values [7,0]',
    ]);
  });

  it('ends requests as rxe does: no right, no mapping, no region', () => {
    expect(
      story(
        ANON,
        'mr name=r map=m first=0 pages=8 access=rr',
        'rdma_write mr=r page=1 value=1',
        'rdma_read mr=r page=8',
        'munmap map=m first=0 pages=4',
        'rdma_read mr=r page=1',
        'send mr=r page=1',
        'mr name=p map=m mode=pinned first=0 pages=2',
        'rdma_read mr=p page=1',
      )
        .slice(2, 9)
        .map((line) => line.replace(/^.*=> /, '')),
    ).toEqual([
      'REM_ACCESS_ERR',
      'REM_ACCESS_ERR',
      '<UNMAP[0,4) cb u[0,4)>',
      'REM_ACCESS_ERR',
      'WR_FLUSH_ERR',
      'EFAULT',
      'NO_MR',
    ]);
  });

  it('ends with what the end of the process does, the latest region first', () => {
    expect(story(ANON, 'mr name=a map=m first=0 pages=8', 'mr name=b map=m first=8 pages=8').at(-2)).toBe(
      'mm_release cb u[0,8) cb u[8,16) <UNMAP[all) cb u[0,8) cb u[8,16)> u[8,16) mr_removed u[0,8) mr_removed subscriptions_destroy',
    );
  });

  // Recorded in 3073-xfs and 0292-btrfs.
  it('lets the disk write between two ops what the first told it to: reclaim finds nothing in its way', () => {
    expect(
      story(
        'map name=f kind=xfs share=shared prot=rw pages=4 content=written',
        'mr name=r map=f first=0 pages=4',
        'cpu_write map=f page=1 value=1',
        'sync_file_range map=f first=0 pages=4 flags=write',
        'madvise map=f first=1 pages=1 advice=pageout',
      )[4],
    ).toBe('<CLEAR[1,2) cb u[1,2) t[1,2)>');
  });

  it('tells what files hold in the end, in the page cache and on the disk', () => {
    const program = parseProgram(
      'map name=f kind=ext4 share=shared prot=rw pages=3 content=written\ncpu_write map=f page=1 value=0x41\nftruncate map=f pages=2',
    );
    expect(runProgram(withImplicitExit(program)).final).toEqual({
      f: { size: 8192, cache: [97, 0x41], disk: [97, 0x41] },
    });
  });

  it.each([
    ['pread map=f off=0 len=0x20000000', '536870912 bytes at once: there are 268435456 bytes of memory'],
    ['odirect_write map=f off=512 len=512 value=1', 'O_DIRECT of part of a page is not modelled'],
  ])('stops at what is not modelled: %s', (line, reason) => {
    const program = parseProgram(`map name=f kind=ext4 share=shared prot=rw pages=3\n${line}`);
    expect(runProgram(program).stopped).toEqual({ step: 1, reason, modelled: false });
  });

  it('lets children fork: each has what its parent has, not what the main process has', () => {
    expect(
      story(
        ANON,
        'fork child=a',
        'cpu_write proc=a map=m page=0 value=5',
        'fork proc=a child=b',
        'cpu_read proc=b map=m page=0',
      )[4],
    ).toBe('=> value 0x5');
  });

  it('is the same whenever it is run', () => {
    const program = withImplicitExit(
      parseProgram(`${ANON}\nmr name=r map=m first=0 pages=16\nrdma_write mr=r first=0 pages=16 value=1`),
    );
    expect(runProgram(program)).toEqual(runProgram(program));
  });
});
