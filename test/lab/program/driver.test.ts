import { parseProgram, runProgram, withImplicitExit } from '../../../src/lab/program/index.js';
import { OdpDriver } from '../../../devices/odp/index.js';
import type { PluggedIn } from '../../../devices/contract/index.js';

const odp: PluggedIn = { kind: 'nic-driver', create: (hardware, kernel) => new OdpDriver(hardware, kernel) };

function results(...lines: string[]): unknown[] {
  const { steps, stopped } = runProgram(withImplicitExit(parseProgram(lines.join('\n'))), { tried: odp });
  if (stopped !== null) throw new Error(stopped.reason);
  return steps.map(({ result }) => result);
}

const SETUP = ['map name=m kind=ext4 share=shared prot=rw pages=8', 'mr name=r map=m first=0 pages=8'];

describe('a program on a NIC with a driver of somebody’s own', () => {
  it('reads and writes through the driver’s translations', () => {
    const steps = results(
      ...SETUP,
      'rdma_write mr=r page=3 value=7',
      'cpu_read map=m page=3',
      'rdma_faa mr=r page=3 add=1',
      'recv mr=r page=4 value=9',
      'send mr=r page=4',
      'rdma_write_from mr=r page=3',
      'rdma_read mr=r first=3 pages=2',
    );
    expect(steps.slice(2, 9)).toEqual([
      { status: 'SUCCESS' },
      { value: 7 },
      { status: 'SUCCESS', old: '0x707070707070707' },
      { status: 'SUCCESS', recv_status: 'SUCCESS' },
      { status: 'SUCCESS', value: 9 },
      { status: 'SUCCESS', value: 8 },
      { status: 'SUCCESS', values: [8, 9] },
    ]);
  });

  it('sees what the kernel tells the driver, and faults again afterwards', () => {
    const lines = [...SETUP, 'rdma_write mr=r page=3 value=7', 'fsync map=m', 'rdma_write mr=r page=3 value=8'];
    const { steps } = runProgram(parseProgram(lines.join('\n')), { tried: odp });
    expect(steps[3].events.map(({ kind }) => kind)).toEqual([
      'folio_mkclean',
      'invalidate_start',
      'nic_callback',
      'arch_invalidate_secondary_tlbs',
      'invalidate_end',
    ]);
    expect(steps[4].events.filter(({ kind }) => kind === 'page_mkwrite')).toHaveLength(1);
  });

  it('gets a new queue pair after a request that failed', () => {
    const steps = results(
      ...SETUP,
      'munmap map=m first=0 pages=4',
      'rdma_write mr=r page=1 value=7',
      'recv mr=r page=1 value=7',
      'send mr=r page=1',
      'rdma_write mr=r page=5 value=7',
      'rdma_read mr=r page=5',
    );
    expect(steps.slice(3, 8)).toEqual([
      { status: 'REM_ACCESS_ERR' },
      { status: 'REM_OP_ERR', recv_status: 'LOC_PROT_ERR' },
      { status: 'LOC_PROT_ERR' },
      { status: 'SUCCESS' },
      { status: 'SUCCESS', value: 7 },
    ]);
  });

  it('has no regions that pin, and no advice', () => {
    const steps = results(
      SETUP[0],
      'mr name=p map=m first=0 pages=8 mode=pinned',
      ...SETUP.slice(1),
      'rdma_read mr=p page=1',
    );
    expect(steps.slice(1, 4)).toEqual([{ errno: 'EOPNOTSUPP' }, {}, { status: 'NO_MR' }]);
  });
});
