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

  it('may, where an invalidation of its page has come meanwhile', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    m.changeEntry(0, m.pte(0));
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBeNull();
  });

  it('may, where one is under way', () => {
    const m = new WatchedDevice();
    m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    const fault = m.device.fault(0);
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBeNull();
  });

  it('may not, where one of other memory has', () => {
    const m = new WatchedDevice();
    const other = m.kernel.createProcess('other').mm;
    const fault = m.device.fault(0, other);
    m.changeEntry(0, m.pte(0));
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBe('R16');
  });

  it('may, where the translation that it got was dropped again', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    m.device.map(0);
    m.device.unmap(0);
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBeNull();
  });

  it('may not, where that of another page was', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.device.map(2);
    const fault = m.device.fault(1);
    m.device.unmap(0, 2);
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBe('R16');
  });

  it('may not, where that of the same page of another process was', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    const fault = m.device.fault(0, m.kernel.createProcess('other').mm);
    m.device.unmap(0);
    expect(m.breaks(() => m.device.answer(fault, 'retry'))).toBe('R16');
  });

  /** A driver that asks HMM of the first page, and does so again each 100 ms, as an invalidation has come each time. */
  function livelock(m: WatchedDevice, until: number): void {
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
    while (m.simulation.now <= until) {
      m.run(attempt());
      m.changeEntry(0, m.pte(0));
      m.advance(100 * MS);
    }
  }

  it('is given up when its time is over, however many invalidations come', () => {
    const m = new WatchedDevice();
    const fault = m.device.fault(0);
    expect(
      m.breaks(
        () => livelock(m, 1900 * MS),
        () => m.device.answer(fault, 'error'),
      ),
    ).toBeNull();
  });

  it('may be tried once more by who had begun before', () => {
    const m = new WatchedDevice();
    m.device.fault(0);
    expect(m.breaks(() => livelock(m, 2000 * MS))).toBeNull();
  });

  it('is not tried for ever', () => {
    const m = new WatchedDevice();
    m.device.fault(0);
    expect(m.verdict(() => livelock(m, 4000 * MS))).toMatchObject({
      rule: 'R16',
      time: 2100 * MS,
      after: { what: 'its driver still tries' },
    });
  });

  it('is not what its driver tries for: that is another page', () => {
    const m = new WatchedDevice();
    m.device.fault(1);
    expect(m.breaks(() => livelock(m, 4000 * MS))).toBeNull();
  });

  it('is not what its driver tries for: it was answered long ago', () => {
    const m = new WatchedDevice();
    m.device.answer(m.device.fault(0), 'error');
    expect(m.breaks(() => livelock(m, 4000 * MS))).toBeNull();
  });
});
