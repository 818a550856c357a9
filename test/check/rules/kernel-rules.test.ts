import { PTE_WRITE, SWP_DEVICE_EXCLUSIVE, makeSwapEntry } from '../../../src/mm/pte.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { Machine, address } from '../../support/machine.js';

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

  it('nor the right to write, nor for another page', () => {
    const m = new WatchedDevice();
    const entry = m.pte(0);
    const set = (pte: number): string | null => m.breaks(() => m.mm.pageTable.set(address(0) / 4096, pte));
    expect(set(entry & ~PTE_WRITE)).toBe('K1');
    expect(set(m.pte(1))).toBe('K1');
  });

  it('nor what a device has to itself', () => {
    const m = new WatchedDevice();
    const entry = m.pte(0);
    m.changeEntry(0, makeSwapEntry(SWP_DEVICE_EXCLUSIVE, m.device.frameOf(0)));
    expect(m.breaks(() => m.mm.pageTable.set(address(0) / 4096, entry))).toBe('K1');
  });

  it('nor before its start has returned', () => {
    const m = new WatchedDevice();
    m.driver((range) => void range.hold('driver'));
    m.mm.notifiers.invalidateRangeStart('UNMAP', address(0), address(1));
    const violation = m.verdict(() => m.mm.pageTable.set(address(0) / 4096, 0));
    expect(violation?.after.what).toMatch(/was taken away while UNMAP .*, held by "driver"$/);
  });
});
