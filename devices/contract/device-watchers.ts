import type { MmStruct } from '../../src/mm/index.js';
import type { DeviceWatcher } from './observed-device.js';

/** Whoever watches a device, as one: what a device tells it, all of them are told, in the order in which they came. */
export class DeviceWatchers implements DeviceWatcher {
  private readonly watchers: DeviceWatcher[] = [];

  /** What ObservedDevice.watch does. */
  add(watcher: DeviceWatcher): void {
    this.watchers.push(watcher);
  }

  accessed(mm: MmStruct, address: number, length: number, frame: number, offset: number, write: boolean): void {
    for (const watcher of this.watchers) watcher.accessed(mm, address, length, frame, offset, write);
  }

  installed(mm: MmStruct, address: number, frame: number, writable: boolean): void {
    for (const watcher of this.watchers) watcher.installed(mm, address, frame, writable);
  }

  removed(mm: MmStruct, address: number, frame: number, writable: boolean): void {
    for (const watcher of this.watchers) watcher.removed(mm, address, frame, writable);
  }

  faultRaised(fault: object, mm: MmStruct, address: number, length: number): void {
    for (const watcher of this.watchers) watcher.faultRaised(fault, mm, address, length);
  }

  faultEnded(fault: object, outcome: 'retry' | 'error'): void {
    for (const watcher of this.watchers) watcher.faultEnded(fault, outcome);
  }

  deadKeyUsed(key: string, destroyedAt: number, command: string): void {
    for (const watcher of this.watchers) watcher.deadKeyUsed(key, destroyedAt, command);
  }
}
