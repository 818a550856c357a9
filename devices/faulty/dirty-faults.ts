import type { InvalidateRange } from '../../notifiers/index.js';
import { OdpDriver, type UmemOdp } from '../odp/index.js';

/** F19: what the device has written is dirtied by a worker, when the invalidation has ended. */
export class LateDirty extends OdpDriver {
  override readonly name: string = 'faulty-f19';
  /** Frames that the device may have written and that nobody has been told of. */
  private readonly pending: number[] = [];

  protected override invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    super.invalidate(umem, range, seq);
    range.onEnd(() => this.kernel.simulation.after(0, this.name, () => this.dirtyPending()));
  }

  protected override letGo(umem: UmemOdp, first: number, end: number): number {
    return umem.forget(first, end, (frame, writable) => {
      if (writable) this.pending.push(frame);
    });
  }

  private dirtyPending(): void {
    const { mm } = this.kernel;
    for (const frame of this.pending.splice(0)) mm.markDirty(mm.memory.frames.folioOf(frame));
  }
}

/**
 * F23: nobody is told what the device has written. That shows only where no fault had made the page dirty: after MADV_FREE,
 * or when it was read back from swap. rxe does so.
 */
export class ForgottenDirty extends OdpDriver {
  override readonly name: string = 'faulty-f23';

  protected override letGo(umem: UmemOdp, first: number, end: number): number {
    return umem.forget(first, end, () => undefined);
  }
}
