/** A memory region that its owner names to the other side. */
export interface AnnouncedRegion {
  readonly rKey: number;
  readonly address: bigint;
  /** Bytes, at least 1. */
  readonly length: bigint;
}

/** Before the descriptor: slots of the receive queue (2 bytes), whether writes may go straight to memory, its own length. */
const DESCRIPTOR = 4;
/** Address, length, rkey and usage. */
const DESCRIPTOR_BYTES = 8 + 8 + 4 + 1;

/**
 * The region that an fio librpma server offers in the private data of its ConnectReply: fio's librpma_fio_workspace around
 * the descriptor that librpma's rpma_mr_get_descriptor makes, all little-endian.
 * @returns undefined when the data is something else; what looks like one still has to fit the requests that name its rkey
 */
export function parseLibrpmaRegion(privateData: Uint8Array): AnnouncedRegion | undefined {
  if (privateData.length < DESCRIPTOR + DESCRIPTOR_BYTES) return undefined;
  const view = new DataView(privateData.buffer, privateData.byteOffset, privateData.length);
  if (view.getUint8(DESCRIPTOR - 1) !== DESCRIPTOR_BYTES) return undefined;
  const address = view.getBigUint64(DESCRIPTOR, true);
  const length = view.getBigUint64(DESCRIPTOR + 8, true);
  const rKey = view.getUint32(DESCRIPTOR + 16, true);
  if (length === 0n || address + length > 1n << 64n) return undefined;
  return { rKey, address, length };
}
