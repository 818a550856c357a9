import { WatchedDevice } from '../../support/bare-device.js';
import { Machine, address } from '../../support/machine.js';

describe('K2: a page that a device may use', () => {
  it('is freed when the device has let go', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.munmap(0, 4))).toBeNull();
  });

  it('is not freed before that', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    const frame = m.device.frameOf(0);
    const violation = m.verdict(() => {
      m.memory.frames.unmap(frame, m.mm.id);
      m.memory.put(frame);
    });
    expect(violation).toMatchObject({ rule: 'K2', device: 'the kernel', page: { address: address(0) } });
    expect(violation?.before?.what).toMatch(/made a translation to frame \d+$/);
  });
});

describe('R13: what a driver has destroyed', () => {
  it('it does not name any more', () => {
    const m = new WatchedDevice();
    expect(m.verdict(() => m.device.command('unmap'))).toMatchObject({
      rule: 'R13',
      before: { what: 'rkey 0x100 was destroyed' },
      after: { what: 'its driver sent a command for it: unmap' },
    });
  });
});

describe('K1: an entry loses its page or a right', () => {
  it('only inside a range: so does the kernel', () => {
    const m = new WatchedDevice();
    expect(m.breaks(() => m.munmap(0, 2))).toBeNull();
  });

  it('and gets more whenever it likes', () => {
    const m = new WatchedDevice({ populate: false });
    m.load(0);
    expect(m.breaks(() => void m.store(0))).toBeNull();
  });

  it('never outside of one', () => {
    const m = new Machine();
    m.mapAnon(1);
    m.store(0);
    expect(() => m.mm.pageTable.set(address(0) / 4096, 0)).toThrow(
      /rule K1 broken by the kernel at 0 ns .* its entry for frame \d+ was taken away outside of any range$/,
    );
  });

  it('nor before its start has returned', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    m.mm.notifiers.invalidateRangeStart('UNMAP', address(0), address(1));
    const violation = m.verdict(() => m.mm.pageTable.set(address(0) / 4096, 0));
    expect(violation?.after.what).toMatch(/was taken away while UNMAP .*, held by "driver"$/);
  });
});
