import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_READ, mprotect, userLoad, userStore } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

/** Loads a byte of page 0, and stores one. */
function accesses(m: Machine): unknown[] {
  const { mm } = m.process;
  return [m.run(userLoad(mm, address(0), new Uint8Array(1))), m.run(userStore(mm, address(0), 1, Uint8Array.of(3)))];
}

it('a mapping that allows nothing ends accesses to pages that are there, without a page fault that is handled', () => {
  const m = new Machine();
  m.mapAnon(1);
  m.store(0, 7);
  m.run(mprotect(m.process.mm, address(0), PAGE_SIZE, 0));
  m.log.take();
  expect([accesses(m), m.log.take()]).toEqual([['SIGSEGV', 'SIGSEGV'], '']);
  m.run(mprotect(m.process.mm, address(0), PAGE_SIZE, VM_READ));
  expect([accesses(m), m.load(0)]).toEqual([[null, 'SIGSEGV'], 7]);
});

it('memory that has run out is neither a signal nor a success', () => {
  const m = new Machine({ memory: 64 * PAGE_SIZE });
  m.mapAnon(128);
  expect(m.run(userStore(m.process.mm, address(0), 128 * PAGE_SIZE, null))).toBe('OOM');
  expect(m.errno(m.kernel.store(m.process, address(0), 128 * PAGE_SIZE))).toBe('ENOMEM');
});
