/**
 * The NIC as hardware: verbs objects, RC transport, translation table, bus to memory, page fault events, wire codec.
 *
 * It knows no driver and no kernel policy: drivers program it through the contract. What a particular NIC is like is a
 * `DeviceProfile`.
 */
export { CompletionQueue, type WcOpcode, type WorkCompletion } from './completion-queue.js';
export { CONNECTX, DEVICE_PROFILES, RXE, type DeviceProfile, type PageCost } from './device-profile.js';
export { DmaEngine, type DmaKind, type DmaOp } from './dma-engine.js';
export { Egress, type LossRule } from './egress.js';
export { NicMkey } from './mkey-table.js';
export { observeNic } from './observe-nic.js';
export { Nic, type NicStats } from './nic.js';
export { NicPacket, PacketPool } from './packet-pool.js';
export { QueuePair, type QpAttributes, type QpInit, type QpState } from './queue-pair.js';
export { IBV_WC_STATUS, type WcStatus } from './wc-status.js';
export type { RecvWorkRequest, SendWorkRequest, Sge, WrOpcode } from './work-request.js';
