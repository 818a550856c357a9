import type { RuleId } from '../../check/index.js';
import type { MmStruct, MmSystem } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';

/** What an invalidation of pages that a device has puts to the test. */
const BY_INVALIDATION: readonly RuleId[] = ['R1', 'R2', 'R4', 'R8', 'R9', 'R14'];

/**
 * Which rules a run could have broken: a rule that "holds" where nothing of the kind has happened says nothing. It sees what
 * devices do and what the kernel announces, as the rules do.
 */
export class Census {
  readonly exercised = new Set<RuleId>();
  private readonly devices: ObservedDevice[] = [];
  /** Address spaces of which a device has had a translation, by id. */
  private readonly mms = new Map<number, MmStruct>();
  private written = false;
  private dropped = false;

  constructor({ hub }: MmSystem) {
    hub.start$.subscribe((range) => {
      this.started(range);
    });
    hub.refused$.subscribe(() => this.exercised.add('R7'));
    hub.released$.subscribe(({ id }) => {
      if (this.mms.has(id)) this.exercised.add('R12');
    });
  }

  watch(device: ObservedDevice): void {
    this.devices.push(device);
    const { exercised } = this;
    device.watch({
      accessed: (_mm, _address, _length, _frame, _offset, write) => {
        exercised.add('R11').add('R20');
        if (write) exercised.add('R10');
        else if (this.dropped) exercised.add('R18');
        this.written ||= write;
      },
      installed: (mm, _address, _frame, writable) => {
        this.mms.set(mm.id, mm);
        exercised.add('R3');
        if (writable) exercised.add('R10');
      },
      removed: () => {
        this.dropped = true;
        if (this.written) exercised.add('R5');
      },
      faultRaised: () => undefined,
      faultEnded: () => exercised.add('R16'),
      deadKeyUsed: () => exercised.add('R13'),
    });
  }

  /** Says of a rule that something that only the test knows has put it to the test. */
  note(rule: RuleId): void {
    this.exercised.add(rule);
  }

  private started(range: InvalidateRange): void {
    const mm = this.mms.get(range.mm.id);
    if (mm === undefined) return;
    for (const device of this.devices) {
      let found = 0;
      device.forEachTranslation(mm, range.start, range.end, () => found++);
      if (found === 0) continue;
      for (const rule of BY_INVALIDATION) this.exercised.add(rule);
      if (!range.blockable) this.exercised.add('R6');
      if (device.cookie !== null && range.owner === device.cookie) this.exercised.add('R17');
    }
  }
}
