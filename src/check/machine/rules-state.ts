import type { SharedState } from '../../engine/index.js';
import type { MmSystem } from '../../mm/index.js';
import type { DeviceWatcher, ObservedDevice } from '../../../devices/contract/index.js';
import type { Stage } from '../explore/index.js';

/**
 * What the rules remember, as far as a search over schedules is concerned. A verdict may depend on the order of two steps that
 * have nothing in common but the rules that watch both; so what the kernel does and rules see is a change of one thing, and
 * so is what a device does. Two devices may change places: no rule holds one against the other.
 */
export class RulesState {
  private readonly shared: SharedState;

  /** Make it before the rules: who is asked for a verdict must have been told of the step before. */
  constructor(
    private readonly stage: Stage,
    system: MmSystem,
  ) {
    this.shared = stage.state();
    const changed = (): void => {
      this.shared.write();
    };
    const { hub, memory } = system;
    hub.start$.subscribe((range) => {
      changed();
      range.onReleased(changed);
      range.onQuiesced(changed);
      range.onEnd(changed);
    });
    hub.refused$.subscribe(changed);
    hub.end$.subscribe(changed);
    hub.release$.subscribe(changed);
    hub.released$.subscribe(changed);
    for (const events$ of [system.entryChanges$, system.hmmReads$, system.allocating$, system.dirtying$]) {
      events$.subscribe(changed);
    }
    memory.freeing$.subscribe(changed);
  }

  /** A device that tells the search what it tells its watchers. */
  observed(device: ObservedDevice): ObservedDevice {
    const own = this.stage.state();
    return new Proxy(device, {
      get: (target, key) => {
        if (key === 'watch') {
          return (watcher: DeviceWatcher): void => {
            target.watch(this.telling(watcher, own));
          };
        }
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  private telling(watcher: DeviceWatcher, own: SharedState): DeviceWatcher {
    return new Proxy(watcher, {
      get: (target, key) => {
        const method = Reflect.get(target, key) as (...args: unknown[]) => void;
        return (...args: unknown[]): void => {
          own.write();
          this.shared.update();
          method.apply(target, args);
        };
      },
    });
  }
}
