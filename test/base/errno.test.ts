import { Errno, isErrno } from '../../src/base/index.js';

describe('isErrno', () => {
  it('knows an Errno, and its code', () => {
    const error = new Errno('EFAULT', 'nothing is mapped');
    expect([isErrno(error), isErrno(error, 'EFAULT'), isErrno(error, 'EPERM')]).toEqual([true, true, false]);
    expect(error.value).toBe(-14);
  });

  it('knows that of another copy of pinless, which a driver depends on', () => {
    class Errno extends Error {
      override readonly name = 'Errno';
      readonly code = 'EPERM';
    }
    expect([isErrno(new Errno(), 'EPERM'), isErrno(new Errno(), 'EFAULT')]).toEqual([true, false]);
  });

  it('takes nothing else for one', () => {
    const enoent = Object.assign(new Error('no such file'), { code: 'ENOENT' });
    const strange = Object.assign(new Error('?'), { name: 'Errno', code: 'toString' });
    for (const other of [enoent, strange, new Error('x'), { name: 'Errno', code: 'EPERM' }, null, undefined, 14]) {
      expect(isErrno(other)).toBe(false);
    }
  });
});
