import type { DeviceWatcher, ObservedDevice } from '../../devices/contract/index.js';
import { PAGE_SIZE, pageOf } from '../base/index.js';
import { formatNs } from '../engine/index.js';
import type { MmRef } from '../../notifiers/index.js';
import type { MmStruct } from '../mm/index.js';
import { accessWords, bytes, translationWords } from './event-words.js';
import type { Recorder } from './recorder.js';

/** Writes down what one device does. */
export class DeviceRecorder {
  /** The accesses of each place and kind, oldest first: by them, what is in flight is found among the events. */
  private readonly issued = new Map<string, number[]>();
  /** False while it is sure that nothing is in flight: a device is not asked in vain. */
  private mayBeInFlight = false;
  private readonly faults = new Map<
    object,
    { readonly mm: MmStruct; readonly address: number; readonly length: number }
  >();

  constructor(
    private readonly recorder: Recorder,
    readonly device: ObservedDevice,
  ) {
    const { name } = device;
    const watcher: DeviceWatcher = {
      accessed: (mm, address, length, frame, _offset, write) => {
        this.mayBeInFlight = true;
        const place = placeOf(mm, address, length, frame, write);
        const seq = recorder.events.length;
        const others = this.issued.get(place);
        if (others === undefined) this.issued.set(place, [seq]);
        else others.push(seq);
        const details = (): string => accessWords(name, address, length, frame);
        const kind = write ? 'device_write' : 'device_read';
        recorder.add(kind, { details, mm, start: address, end: address + length, device: name });
      },
      installed: (mm, address, frame, writable) => {
        this.translation('device_map', mm, address, frame, writable);
      },
      removed: (mm, address, frame, writable) => {
        this.translation('device_unmap', mm, address, frame, writable);
      },
      faultRaised: (fault, mm, address, length) => {
        this.faults.set(fault, { mm, address, length });
        this.fault('device_fault', fault, '');
      },
      faultEnded: (fault, outcome) => {
        this.fault('device_fault ends', fault, ` ${outcome}`);
        this.faults.delete(fault);
      },
      deadKeyUsed: (key, destroyedAt, command) => {
        const details = (): string => `${name} ${command} of ${key}, destroyed at ${formatNs(destroyedAt)}`;
        recorder.add('device_dead_key', { details, device: name });
      },
    };
    device.watch(watcher);
  }

  /** Places in the trace of the accesses that are in flight now. Of several alike the latest ones are: they land in their order. */
  inFlight(): number[] {
    const seqs: number[] = [];
    if (!this.mayBeInFlight) return seqs;
    this.mayBeInFlight = false;
    const alike = new Map<string, number>();
    this.device.forEachInFlight((mm, address, length, frame, _offset, write) => {
      this.mayBeInFlight = true;
      const place = placeOf(mm, address, length, frame, write);
      const count = (alike.get(place) ?? 0) + 1;
      alike.set(place, count);
      const seq = this.issued.get(place)?.at(-count);
      if (seq !== undefined) seqs.push(seq);
    });
    return seqs;
  }

  private translation(name: string, mm: MmStruct, address: number, frame: number, writable: boolean): void {
    const { recorder, device } = this;
    const start = pageOf(address) * PAGE_SIZE;
    const details = (): string => translationWords(device.name, start, frame, writable);
    const key = `${device.name} ${String(mm.id)} ${String(start)}`;
    recorder.add(name, { details, mm, start, end: start + PAGE_SIZE, device: device.name, key });
  }

  private fault(name: string, fault: object, result: string): void {
    const of = this.faults.get(fault);
    const { recorder, device } = this;
    if (of === undefined) {
      // Raised before anybody watched.
      recorder.add(name, { details: () => `${device.name}${result}`, device: device.name });
      return;
    }
    const { mm, address, length } = of;
    const details = (): string => `${device.name} ${bytes(address, address + length)}${result}`;
    recorder.add(name, { details, mm, start: address, end: address + length, device: device.name, key: fault });
  }
}

/** Of two accesses to one address that are under way at a time, one may still go to a page that is there no more. */
function placeOf(mm: MmRef, address: number, length: number, frame: number, write: boolean): string {
  return [mm.id, address, length, frame, write].join(' ');
}
