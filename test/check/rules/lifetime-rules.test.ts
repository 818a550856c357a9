import { BareDevice, WatchedDevice } from '../../support/bare-device.js';
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

describe('K2: a page that a device may use twice', () => {
  it('is not freed while it has one of its translations', () => {
    const m = new Machine();
    const inode = m.file(1);
    m.mapFile(inode, { at: 0 });
    m.mapFile(inode, { at: 1 });
    for (const page of [0, 1]) m.load(page);
    const device = new BareDevice(m.mm);
    m.rules?.watch(device);
    device.map(0);
    device.map(1);
    device.unmap(0);
    const frame = inode.mapping.pages.get(0);
    expect(() => m.memory.freeing$.emit(frame)).toThrow(/rule K2 broken by the kernel/);
    device.unmap(1);
    expect(() => m.memory.freeing$.emit(frame)).not.toThrow();
  });

  it('has nothing to do with the page behind it', () => {
    const m = new WatchedDevice();
    const [first, second] = [m.device.frameOf(0), m.device.frameOf(1)];
    expect(second).toBe(first + 1);
    m.device.map(1);
    expect(() => m.memory.freeing$.emit(first)).not.toThrow();
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
