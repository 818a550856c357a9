import { PAGE_SIZE } from '../../src/base/index.js';
import { HMM_PFN_VALID, hmmFrame } from '../../src/mm/index.js';
import { makeMtt, type RegMrRequest } from '../contract/index.js';
import { OdpDriver } from '../odp/index.js';

/**
 * F16: a page that may only be read is given to the device for writing: whatever HMM says of it, once it is there it is used
 * for everything. rxe did so: its check of a page before a write asked whether it was valid, not whether it was writable.
 */
export class WidenedRights extends OdpDriver {
  override readonly name: string = 'faulty-f16';

  protected override toMtt(entry: number): number {
    return (entry & HMM_PFN_VALID) === 0 ? 0 : makeMtt(hmmFrame(entry), true);
  }
}

/** F18: what was read from the page tables is used without asking, under the lock, whether it still holds. */
export class MissingRetryCheck extends OdpDriver {
  override readonly name: string = 'faulty-f18';

  protected override isCurrent(): boolean {
    return true;
  }
}

/** F24: a region begins at the beginning of a page, wherever in the page its memory does. rxe's copy did so, page by page. */
export class IgnoredOffset extends OdpDriver {
  override readonly name: string = 'faulty-f24';

  protected override iovaOf(request: RegMrRequest): number {
    const iova = super.iovaOf(request);
    return iova - (iova % PAGE_SIZE);
  }
}

/**
 * A region that a fault has found is used when its pages have come, though it may have been destroyed meanwhile: so went
 * mlx5's implicit children until 2025.
 */
export class StaleChild extends OdpDriver {
  override readonly name: string = 'faulty-stale-child';

  protected override isGone(): boolean {
    return false;
  }
}
