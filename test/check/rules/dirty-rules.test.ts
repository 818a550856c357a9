import { PG_DIRTY, PTE_DIRTY } from '../../../src/mm/index.js';
import { WatchedDevice } from '../../support/bare-device.js';
import { Machine, address } from '../../support/machine.js';
import { BareDevice } from '../../support/bare-device.js';

describe('R5: what a device writes', () => {
  /** A page that the CPU may write and that nothing calls dirty, as MADV_FREE and swap leave them; the device has it. */
  function cleanButWritable(): WatchedDevice {
    const m = new WatchedDevice();
    m.changeEntry(0, m.pte(0) & ~PTE_DIRTY);
    m.memory.frames.clear(m.device.frameOf(0), PG_DIRTY);
    m.device.map(0);
    return m;
  }

  it('is dirty already where a fault has made the entry so', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.device.write(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('is dirtied by the driver before the start returns', () => {
    const m = cleanButWritable();
    m.device.write(0);
    m.driver(() => {
      m.kernel.mm.markDirty(m.device.frameOf(0));
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('must not be forgotten', () => {
    const m = cleanButWritable();
    m.device.write(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.verdict(() => m.munmap(0, 1))).toMatchObject({
      rule: 'R5',
      before: { what: 'the device wrote to it' },
      after: { what: expect.stringMatching(/^the start of UNMAP .* returned, and neither/) as string },
    });
  });

  it('is known where the CPU has written to the page, too: the entry says so', () => {
    const m = cleanButWritable();
    m.device.write(0);
    m.store(0);
    m.memory.frames.clear(m.device.frameOf(0), PG_DIRTY);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });

  it('is said once: what is written back afterwards is clean', () => {
    const m = cleanButWritable();
    m.device.write(0);
    let told = false;
    m.driver(() => {
      if (!told) m.kernel.mm.markDirty(m.device.frameOf(0));
      told = true;
      m.device.unmap(0);
    });
    m.changeEntry(0, m.pte(0));
    m.memory.frames.clear(m.device.frameOf(0), PG_DIRTY);
    expect(m.breaks(() => m.changeEntry(0, m.pte(0)))).toBeNull();
  });

  it('need not be mentioned if it was only read', () => {
    const m = cleanButWritable();
    m.device.read(0);
    m.driver(() => {
      m.device.unmap(0);
    });
    expect(m.breaks(() => m.munmap(0, 1))).toBeNull();
  });
});

describe('R5: a page of a file that the device has let go of', () => {
  /** A file, mapped and written by a device that lets go when it is told, and then or before that says what it wrote. */
  function file(dirties: 'before' | 'after' = 'before'): {
    m: Machine;
    device: BareDevice;
    folio: number;
    clean: () => void;
  } {
    const m = new Machine();
    const inode = m.file(1);
    m.mapFile(inode);
    m.store(0);
    const device = new BareDevice(m.mm);
    m.rules?.watch(device);
    device.map(0);
    device.write(0);
    const notifier = m.mm.notifiers.insertInterval(address(0), 4096, {
      name: 'driver',
      invalidate: (_range, seq) => {
        notifier.setSeq(seq);
        if (dirties === 'before') m.kernel.mm.markDirty(folio);
        device.unmap(0);
        if (dirties === 'after') m.kernel.mm.markDirty(folio);
      },
    });
    const folio = inode.mapping.pages.get(0);
    return { m, device, folio, clean: () => void m.fsync(inode) };
  }

  it('becomes dirty again through page_mkwrite', () => {
    const { m, clean } = file();
    clean();
    expect(() => m.store(0)).not.toThrow();
  });

  it('must not become so behind the file system’s back', () => {
    const { m, folio, clean } = file();
    clean();
    expect(() => m.kernel.mm.markDirty(folio)).toThrow(
      /rule R5 .* the device let go of it .* was dirtied, without page_mkwrite/,
    );
  });

  it('nor with a translation for reading', () => {
    const { m, device, folio, clean } = file();
    clean();
    m.load(0);
    device.map(0);
    expect(() => m.kernel.mm.markDirty(folio)).toThrow(/rule R5 .* was dirtied, without page_mkwrite/);
  });

  it('may be dirtied before the start returns, whichever the driver does first', () => {
    const { m, folio, clean } = file('after');
    m.memory.frames.clear(folio, PG_DIRTY);
    expect(clean).not.toThrow();
    const range = m.mm.notifiers.invalidateRangeStart('CLEAR', address(0), address(1));
    m.mm.notifiers.invalidateRangeEnd(range);
    expect(m.memory.frames.has(folio, PG_DIRTY)).toBe(true);
  });

  it('may be called dirty by anybody once it is', () => {
    const { m, folio, clean } = file();
    clean();
    m.store(0);
    expect(() => m.kernel.mm.markDirty(folio)).not.toThrow();
  });

  it('is the device’s again with a new translation', () => {
    const { m, device, folio, clean } = file();
    clean();
    m.store(0);
    device.map(0);
    expect(() => m.kernel.mm.markDirty(folio)).not.toThrow();
  });

  it('is nobody’s business where no file system is behind it', () => {
    const m = new WatchedDevice();
    m.device.map(0);
    m.device.unmap(0);
    const frame = m.device.frameOf(0);
    m.memory.frames.clear(frame, PG_DIRTY);
    expect(() => m.kernel.mm.markDirty(frame)).not.toThrow();
  });
});
