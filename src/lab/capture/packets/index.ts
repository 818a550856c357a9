/**
 * From frames to RoCEv2 packets, and a count of everything that is not one.
 *
 * Each packet on its own: no order, no connections, no messages (those are in `flows`).
 */
export { parseCmMessage } from './cm-message.js';
export type { CmMessage, ConnectMessage } from './cm-message.js';
export { HostPairs, NO_PAIR } from './host-pairs.js';
export { HostTable, NO_HOST } from './host-table.js';
export type { HostCounts } from './host-table.js';
export type { AnnouncedRegion } from './librpma-region.js';
export { RoceReader } from './roce-reader.js';
export type { IcrcCounts, IcrcPolicy } from './roce-reader.js';
export { SKIP_TEXT } from './skip-ledger.js';
export type { Skip, SkipLedger, SkipReason } from './skip-ledger.js';
export { StreamPacket } from './stream-packet.js';
