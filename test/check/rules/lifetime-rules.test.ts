import { WatchedDevice } from '../../support/bare-device.js';
import { address } from '../../support/machine.js';

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
