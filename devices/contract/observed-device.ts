import type { MmStruct } from '../../src/mm/index.js';

/** Visits translations: pages of a process that the device may access without asking, and how. */
export type TranslationVisitor = (mm: MmStruct, address: number, frame: number, writable: boolean) => void;

/**
 * Visits accesses to memory, none of which crosses a page border: the address that is meant, and the frame and the byte of it
 * that it goes to.
 */
export type AccessVisitor = (
  mm: MmStruct,
  address: number,
  length: number,
  frame: number,
  offset: number,
  write: boolean,
) => void;

/** Told of what a device does. Addresses are the process's. */
export interface DeviceWatcher {
  /** An access is issued: from here on it happens, whatever becomes of the translation. */
  accessed: AccessVisitor;
  /** A translation is there from now on. What was there before has been told as removed. */
  installed: TranslationVisitor;
  /** A translation is not there any more. */
  removed: TranslationVisitor;
  /** The device asks its driver for pages: [address, address + length). `fault` is the request's identity. */
  faultRaised(fault: object, mm: MmStruct, address: number, length: number): void;
  /** The driver has answered. */
  faultEnded(fault: object, outcome: 'retry' | 'error'): void;
  /** The driver sent a command for a key that it had destroyed, at that virtual time. */
  deadKeyUsed(key: string, destroyedAt: number, command: string): void;
}

/**
 * What a device lets others see of itself, so that rules can be checked against what it does and not against what its
 * driver says. The NIC implements it, its drivers need not know; a device of its own implements it itself.
 */
export interface ObservedDevice {
  readonly name: string;
  /** The name under which its driver subscribes to notifiers, and holds ranges. */
  readonly driverName: string;
  /** The cookie by which its driver knows notifications of its own making: their `owner`. Null if it makes none. */
  readonly cookie: unknown;
  /** From here on that is told of what the device does, beside those that are told already. */
  watch(watcher: DeviceWatcher): void;
  /** Translations of pages of [start, end). */
  forEachTranslation(mm: MmStruct, start: number, end: number, visit: TranslationVisitor): void;
  /** Accesses that have been issued and have not reached memory. */
  forEachInFlight(visit: AccessVisitor): void;
}
