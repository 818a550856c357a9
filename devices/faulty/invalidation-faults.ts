import type { Hold, Task } from '../../src/engine/index.js';
import type { InvalidateRange } from '../../notifiers/index.js';
import { OdpDriver, type UmemOdp } from '../odp/index.js';

/** F17: the callback returns at once, and the device is quiesced behind the kernel's back. */
export class LateQuiesce extends OdpDriver {
  override readonly name: string = 'faulty-f17';

  protected override invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (!range.blockable) {
      super.invalidate(umem, range, seq);
      return;
    }
    umem.notifier.setSeq(seq);
    this.kernel.simulation.spawn(this.name, this.quiesce(umem, range, seq), { daemon: true });
  }
}

/** F20: a call that may not block is let through with the translations still there. */
export class UnrefusedReap extends OdpDriver {
  override readonly name: string = 'faulty-f20';

  protected override invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (range.blockable) super.invalidate(umem, range, seq);
    else umem.notifier.setSeq(seq);
  }
}

/** The hold of a range is released at the end of the work, and once more by who cleans up after it. */
export class DoubleRelease extends OdpDriver {
  override readonly name: string = 'faulty-double-release';

  protected override invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (!range.blockable) {
      super.invalidate(umem, range, seq);
      return;
    }
    const work = this.quiesceAndRelease(umem, range, seq, range.hold(this.name));
    this.kernel.simulation.spawn(this.name, work, { daemon: true });
  }

  private *quiesceAndRelease(umem: UmemOdp, range: InvalidateRange, seq: number, hold: Hold): Task {
    try {
      yield* this.quiesce(umem, range, seq);
      hold.release();
    } finally {
      hold.release();
    }
  }
}

/** Where there is nothing to be done the callback returns early, and forgets that it holds the range. */
export class LeakedHold extends OdpDriver {
  override readonly name: string = 'faulty-leaked-hold';

  protected override invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (!range.blockable) {
      super.invalidate(umem, range, seq);
      return;
    }
    const hold = range.hold(this.name);
    this.kernel.simulation.spawn(this.name, this.quiesceIfMapped(umem, range, seq, hold), { daemon: true });
  }

  private *quiesceIfMapped(umem: UmemOdp, range: InvalidateRange, seq: number, hold: Hold): Task {
    const [first, end] = umem.pagesOf(range);
    let mapped = 0;
    umem.entries.forEach(first, end, () => mapped++);
    umem.notifier.setSeq(seq);
    if (mapped === 0) return;
    yield* this.quiesce(umem, range, seq);
    hold.release();
  }
}

/** Deregistration stops listening first and takes the pages from the device afterwards: in between nobody tells it. */
export class UnregisterRace extends OdpDriver {
  override readonly name: string = 'faulty-unregister-race';

  protected override *destroy(umem: UmemOdp): Task {
    yield* umem.mm.notifiers.removeInterval(umem.notifier);
    yield this.hardware.costs.deregister(0);
    yield* super.destroy(umem);
  }

  protected override *unsubscribe(): Task {
    // It has been done.
  }
}
