import { DeadlockError, LivelockError } from '../../engine/index.js';
import type { MmSystem } from '../../mm/index.js';
import { ProtocolError, type InvalidateRange } from '../../../notifiers/index.js';
import type { DeviceWatcher, MemoryRegion, ObservedDevice } from '../../../devices/contract/index.js';
import { NicMkey } from '../../../devices/nic/index.js';
import { replayKey } from '../replay-key.js';
import { RuleViolation, violationOf, type Violation } from '../violation.js';
import { AccessRules } from './access-rules.js';
import { DirtyRules } from './dirty-rules.js';
import { HmmReads } from './hmm-reads.js';
import { InvalidationRules } from './invalidation-rules.js';
import { KERNEL, KernelRules } from './kernel-rules.js';
import { LifetimeRules } from './lifetime-rules.js';
import { LockRules } from './lock-rules.js';
import { ProgressRules } from './progress-rules.js';
import { Releases } from './releases.js';
import { Replacements } from './replacements.js';
import { RuleContext, driverNamed, started } from './rule-context.js';
import { TranslationRules } from './translation-rules.js';

/**
 * All rules over one machine, online: each is a subscriber of what happens, and throws a RuleViolation where it is broken.
 *
 * They see accesses, translations, page tables and notifications, and believe no driver. What binds the kernel is watched
 * from the beginning; what binds drivers, of the devices that are given to `watch`.
 */
export class Rules {
  private readonly context: RuleContext;
  private readonly devices: ObservedDevice[] = [];
  private readonly kernel: KernelRules;
  private readonly reads: HmmReads;
  private readonly releases: Releases;
  private readonly replacements: Replacements;
  private readonly dirty: DirtyRules;

  constructor(private readonly system: MmSystem) {
    this.context = new RuleContext(system);
    this.kernel = new KernelRules(this.context);
    this.reads = new HmmReads(this.context);
    this.replacements = new Replacements(this.context);
    new LockRules(this.context);
    new InvalidationRules(this.context, this.devices);
    this.dirty = new DirtyRules(this.context);
    this.releases = new Releases(this.context, this.devices);
  }

  /**
   * Watches a device whose driver follows mmu notifiers. One that pins follows none.
   *
   * @param options.handsOverDirty false for rxe, which never says what it has written: that defect of Linux is modelled,
   *   and R5 is not asked of it
   */
  watch(device: ObservedDevice, options: { readonly handsOverDirty?: boolean } = {}): void {
    const { context, dirty } = this;
    this.devices.push(device);
    const handsOver = options.handsOverDirty ?? true;
    const lifetime = new LifetimeRules(context, device);
    const accesses = new AccessRules(context, device, lifetime, {
      releases: this.releases,
      replacements: this.replacements,
      dirty: handsOver ? dirty : null,
    });
    const translations = new TranslationRules(context, device, this.releases, this.reads);
    const progress = new ProgressRules(context, device, this.reads);
    const watcher: DeviceWatcher = {
      accessed: (mm, address, length, frame, offset, write) => {
        accesses.accessed(mm, address, length, frame, offset, write);
      },
      installed: (mm, address, frame, writable) => {
        translations.installed(mm, address, frame, writable);
        lifetime.installed(mm, address, frame);
      },
      removed: (mm, address, frame, writable) => {
        lifetime.removed(frame);
        progress.removed(mm, address);
        if (writable) dirty.removed(device, mm, address, frame);
      },
      faultRaised: (fault, mm, address, length) => {
        progress.raised(fault, mm, address, length);
      },
      faultEnded: (fault, outcome) => {
        progress.ended(fault, outcome);
      },
      deadKeyUsed: (key, destroyedAt, command) => {
        lifetime.deadKeyUsed(key, destroyedAt, command);
      },
    };
    device.watch(watcher);
  }

  /** Says whose memory a region of a NIC is, where its driver did not say so when it made the key. */
  watchRegion({ mkey, mm, start }: MemoryRegion): void {
    if (mkey instanceof NicMkey && mkey.mm === null) mkey.belongsTo(mm, start);
  }

  /** Called when nothing should be under way any more. */
  finish(): void {
    this.kernel.finish();
  }

  /**
   * The violation that stopped a run, wherever in its error it is: of a rule that is watched, of one that the notifiers keep
   * themselves, or, in a run that cannot go on, of who still holds a range. Null if it stopped for another reason.
   */
  explain(error: unknown): Violation | null {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof RuleViolation) return cause.violation;
      if (cause instanceof ProtocolError) return this.ofProtocol(cause);
      if (cause instanceof DeadlockError || cause instanceof LivelockError) return this.ofStandstill(cause);
    }
    return null;
  }

  private ofProtocol({ rule, who, range, message }: ProtocolError): Violation {
    const before = this.context.now(`${range} was announced`);
    return this.violation(rule, who === KERNEL ? who : driverNamed(who), before, message);
  }

  /** A range that somebody holds is to blame only if the run stands still for it: others may be held for the moment. */
  private ofStandstill(error: DeadlockError | LivelockError): Violation | null {
    for (const range of this.context.ledger.open) {
      if (range.holds > 0 && standsStillFor(range, error)) {
        return this.violation('R9', driverNamed(range.holders[0]), started(range), error.message);
      }
    }
    return null;
  }

  private violation(rule: Violation['rule'], device: string, before: Violation['before'], what: string): Violation {
    const contradiction = { rule, device, page: null, before, after: this.context.now(what) };
    return violationOf(contradiction, replayKey(this.system.simulation));
  }
}

/** Whether who cannot go on waits for the range to be released; or who goes on and on is to release it. */
function standsStillFor(range: InvalidateRange, error: DeadlockError | LivelockError): boolean {
  if (error instanceof LivelockError) return range.holders.some((owner) => error.who === `task "${owner}"`);
  const wait = range.describe();
  return error.blocked.some(({ waitsFor }) => waitsFor === wait);
}
