import { PAGE_SIZE } from '../../src/base/index.js';
import { SimulationError } from '../../src/engine/index.js';
import type { MmStruct } from '../../src/mm/index.js';

/**
 * A device's read of memory, at the moment at which it reaches it: bytes of a frame, from byte `offset` of it on, as many as
 * `target` has. It does not ask whether the device may: that is what translations are for.
 *
 * @throws SimulationError if the bytes are not all in the frame
 */
export function busRead({ system: { memory } }: MmStruct, frame: number, offset: number, target: Uint8Array): void {
  mustBeWithin(frame, offset, target.length);
  memory.contents.read(frame, offset, target, 0, target.length);
}

/** A device's write of memory, as busRead. It makes nothing dirty: who maps the frame has to say so, setPageDirty. */
export function busWrite({ system: { memory } }: MmStruct, frame: number, offset: number, data: Uint8Array): void {
  mustBeWithin(frame, offset, data.length);
  memory.contents.write(frame, offset, data.length, memory.nextStamp(), data);
}

/**
 * set_page_dirty, of a frame that a device has written: what it wrote would not be written back, or swapped out, otherwise.
 * The device has a translation to it, or the invalidation that takes it away has not returned yet (rule R5).
 *
 * @throws SimulationError if the frame is free
 */
export function setPageDirty({ system }: MmStruct, frame: number): void {
  system.markDirty(system.memory.frames.folioOf(frame));
}

function mustBeWithin(frame: number, offset: number, length: number): void {
  if (offset >= 0 && offset + length <= PAGE_SIZE) return;
  throw new SimulationError(
    `an access of ${String(length)} bytes at byte ${String(offset)} of frame ${String(frame)} leaves the frame: ` +
      'a device translates each page on its own',
  );
}
