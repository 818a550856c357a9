import { MS, type Task } from '../../../src/engine/index.js';
import { HMM_PFN_VALID, hmmRangeFault } from '../../../src/mm/index.js';
import type { IntervalNotifier } from '../../../notifiers/index.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { address } from '../../support/machine.js';

describe('R16: a page fault of a device', () => {
  it('ends with a translation', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    m.device.map(0);
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBeNull();
  });

  it('ends with an error where there can be none', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    expect(m.breaks(() => m.device.answer(fault, 'error'))).toBeNull();
  });

  it('does not end with "try again" where nothing has changed', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    expect(m.verdict(() => m.device.answer(fault, 'retry'))).toMatchObject({
      rule: 'R16',
      before: { what: 'the device raised a page fault' },
      after: { what: 'it was told to try again, without a translation' },
    });
  });

  it('may, where an invalidation took the translation away again', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    m.changeEntry(0, m.pte(0));
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBeNull();
  });

  /** Invalidations of the page one after the other, and a driver that asks HMM after each, until it gives up. */
  function livelock(patience: number): string | null {
    const m = new WatchedDevice();
    const { mm } = m;
    const notifier: IntervalNotifier = mm.notifiers.insertInterval(address(0), 4096, {
      name: 'driver',
      invalidate: (_range, seq) => {
        notifier.setSeq(seq);
      },
    });
    function* attempt(): Task {
      const notifierSeq = yield* notifier.readBegin();
      const entries = new Int32Array(1);
      yield mm.mmapLock.shared;
      yield* hmmRangeFault({ mm, notifier, notifierSeq, start: address(0), entries, request: HMM_PFN_VALID });
      mm.mmapLock.releaseShared();
    }
    return m.breaks(() => {
      const fault = m.device.fault(0);
      while (m.simulation.now < patience) {
        m.run(attempt());
        m.changeEntry(0, m.pte(0));
        m.advance(100 * MS);
      }
      m.device.answer(fault, 'error');
    });
  }

  it('is given up after a while, however many invalidations come', () => {
    expect(livelock(1000 * MS)).toBeNull();
  });

  it('is not tried for ever', () => {
    expect(livelock(4000 * MS)).toBe('R16');
  });
});
