import type { Task } from '../../../src/engine/index.js';
import { HMM_PFN_VALID, hmmFrame, hmmRangeFault, pteFrame } from '../../../src/mm/index.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { address } from '../../support/machine.js';

/** What HMM says of the first page: its frame. */
function ask(m: WatchedDevice): number {
  const entries = new Int32Array(1);
  const { mm } = m;
  const notifier = mm.notifiers.insertInterval(address(0), 4096, { name: 'driver', invalidate: dropAll });
  function dropAll(_range: unknown, seq: number): void {
    notifier.setSeq(seq);
    m.device.unmap(0);
  }
  m.run(
    (function* (): Task {
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      yield* hmmRangeFault({ mm, notifier, notifierSeq, start: address(0), entries, request: HMM_PFN_VALID });
      mm.mmapLock.releaseShared();
    })(),
  );
  return hmmFrame(entries[0]);
}

describe('R3: a translation is made', () => {
  it('of what was read, if no invalidation came in between', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => m.device.map(0, ask(m)))).toBeNull();
  });

  it('not if one did, though the page is still the same', () => {
    const m = new WatchedDevice();
    const frame = ask(m);
    m.changeEntry(0, m.pte(0));
    expect(m.verdict(() => m.device.map(0, frame))).toMatchObject({
      rule: 'R3',
      before: { what: expect.stringMatching(/^the start of CLEAR .* returned$/) as string },
      after: { what: expect.stringMatching(/was made of what had been read at 0 ns$/) as string },
    });
  });

  it('once it has been read again', () => {
    const m = new WatchedDevice();
    ask(m);
    m.changeEntry(0, m.pte(0));
    expect(m.breaks(() => m.device.map(0, ask(m)))).toBeNull();
  });

  it('of what was read for it, which is used up with that', () => {
    const m = new WatchedDevice();
    m.device.map(0, ask(m));
    m.changeEntry(0, m.pte(0));
    expect(m.breaks(() => m.device.map(0))).toBeNull();
  });

  it('of the page that is mapped, and of no other', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => m.device.map(0, pteFrame(m.pte(1))))).toBe('R3');
  });

  it('of no page where none is mapped', () => {
    const m = new WatchedDevice();
    const frame = m.device.frameOf(0);
    m.munmap(0, 1);
    expect(m.verdict(() => m.device.map(0, frame))?.after.what).toMatch(/where nothing is mapped$/);
  });
});

describe('R2: between the return of a start and the end', () => {
  it('no translation of the range is made', () => {
    const m = new WatchedDevice();
    m.mm.notifiers.invalidateRangeStart('PROTECTION_PAGE', address(0), address(1));
    expect(m.breaks(() => m.device.map(0))).toBe('R2');
  });

  it('one may be by the driver that has made the notification, for its own device', () => {
    const m = new WatchedDevice();
    const cookie = { owner: 'driver' };
    const exclusive = (): void => {
      m.mm.notifiers.invalidateRangeStart('EXCLUSIVE', address(0), address(1), cookie);
      m.device.map(0);
    };
    m.device.cookie = { owner: 'somebody else' };
    expect(m.breaks(exclusive)).toBe('R2');
    m.device.cookie = cookie;
    expect(m.breaks(exclusive)).toBeNull();
  });

  it('while the start has not returned one may be: the driver is about to drop it', () => {
    const m = new WatchedDevice();
    const story = function* (): Task {
      let range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
      expect(range.holds).toBe(1);
      m.device.map(0);
      yield range;
      m.mm.notifiers.invalidateRangeEnd(range);
      range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(2), address(3));
      m.device.map(0);
      yield range;
      m.mm.notifiers.invalidateRangeEnd(range);
    };
    m.driver((range) => void range.hold('driver', drop(m)));
    expect(m.breaks(() => m.run(story()))).toBeNull();
  });
});

describe('R10: a translation for writing', () => {
  it('is made where the CPU may write', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => m.device.map(0, m.device.frameOf(0), true))).toBeNull();
  });

  it('is not where it may only read', () => {
    const m = new WatchedDevice({ prot: 'r', populate: false });
    m.load(0);
    expect(m.breaks(() => m.device.map(0, m.device.frameOf(0), true))).toBe('R10');
  });
});

function* drop(m: WatchedDevice): Task {
  yield 1000;
  m.device.unmap(0);
}
