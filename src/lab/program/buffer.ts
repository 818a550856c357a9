import { NotModelled } from './program-error.js';

/** Bytes of the machine's memory. */
export const MEMORY_BYTES = 2 ** 28;

/** Bytes that a process or the NIC's peer hands over or receives. @throws NotModelled if memory has no room for them */
export function newBuffer(length: number, value = 0): Uint8Array {
  if (length > MEMORY_BYTES)
    throw new NotModelled(`${String(length)} bytes at once: there are ${String(MEMORY_BYTES)} bytes of memory`);
  return new Uint8Array(length).fill(value);
}
