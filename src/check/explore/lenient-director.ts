import type { ReadySet } from '../../engine/index.js';
import { IdentityDirector } from './observed-director.js';
import type { ProcessTable } from './processes.js';

/** Follows a wish: whose turn it is and cannot go on is passed over; at its end whoever went last goes on. */
export class LenientDirector extends IdentityDirector {
  readonly name = 'lenient';
  private at = 0;

  constructor(
    stepLimit: number,
    private readonly wish: readonly number[],
    table: ProcessTable,
  ) {
    super(stepLimit, table);
  }

  protected override begins(): void {
    this.at = 0;
  }

  protected choose(ready: ReadySet): number {
    let index = -1;
    while (index < 0 && this.at < this.wish.length) index = this.indexOf(ready, this.wish[this.at++]);
    if (index < 0) index = Math.max(0, this.indexOf(ready, this.running));
    this.take(this.processAt(ready, index));
    return index;
  }
}
