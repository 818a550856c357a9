import { IBV_ACCESS_LOCAL_WRITE, mttFrame } from '../contract/index.js';
import type { FaultGuard } from './fault-guard.js';
import { forEachPage } from './gather.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { NakCode, OpcodeFlag } from './wire/index.js';
import type { WcStatus } from './wc-status.js';
import type { RecvWorkRequest } from './work-request.js';

/** What became of a SEND packet: taken; no receive posted; its page is missing; or refused with that NAK code. */
export type ReceiveVerdict = 'accepted' | 'not-ready' | 'fault' | number;

const DISCARD: RecvWorkRequest = { wrId: 0, local: null, length: Infinity };

/** The receive queue of a queue pair, and the SEND that is being received. */
export class ReceiveQueue {
  private readonly posted: RecvWorkRequest[] = [];
  private current: RecvWorkRequest | null = null;
  private received = 0;

  constructor(
    private readonly qp: QueuePair,
    private readonly faults: FaultGuard,
  ) {}

  post(request: RecvWorkRequest): void {
    if (this.qp.state === 'ERR') this.complete(request, 'IBV_WC_WR_FLUSH_ERR', null);
    else this.posted.push(request);
  }

  /** One packet of a SEND. */
  take(packet: NicPacket, flags: number): ReceiveVerdict {
    if ((flags & OpcodeFlag.STARTS) !== 0 && this.current === null) {
      this.current = this.next();
      this.received = 0;
    }
    const { current } = this;
    if (current === null) return 'not-ready';
    if (this.received + packet.payloadLength > current.length) {
      this.complete(current, 'IBV_WC_LOC_LEN_ERR', null);
      this.current = null;
      return NakCode.INVALID_REQUEST;
    }
    const stored = this.store(current, packet);
    if (stored !== 'accepted') return stored;
    this.received += packet.payloadLength;
    if ((flags & OpcodeFlag.ENDS) !== 0) {
      this.complete(current, 'IBV_WC_SUCCESS', (flags & OpcodeFlag.IMMDT) !== 0 ? packet.immediate : null);
      this.current = null;
    }
    return 'accepted';
  }

  /** The last packet of a WRITE with immediate uses up a receive. False if none is posted. */
  takeImmediate(packet: NicPacket): boolean {
    const request = this.next();
    if (request === null) return false;
    this.received = 0;
    if (request !== DISCARD) {
      this.qp.completeRecv({
        wrId: request.wrId,
        status: 'IBV_WC_SUCCESS',
        opcode: 'RECV_RDMA_WITH_IMM',
        qpn: this.qp.qpn,
        byteLength: packet.payloadLength,
        immediate: packet.immediate,
      });
    }
    return true;
  }

  flush(): void {
    if (this.current !== null) this.complete(this.current, 'IBV_WC_WR_FLUSH_ERR', null);
    this.current = null;
    for (const request of this.posted.splice(0)) this.complete(request, 'IBV_WC_WR_FLUSH_ERR', null);
  }

  private next(): RecvWorkRequest | null {
    return this.posted.shift() ?? (this.qp.init.bottomlessReceive === true ? DISCARD : null);
  }

  private store(request: RecvWorkRequest, packet: NicPacket): ReceiveVerdict {
    const { local } = request;
    const { payload, payloadOffset, payloadLength } = packet;
    if (local === null || payloadLength === 0) return 'accepted';
    if (local instanceof Uint8Array) {
      if (payload !== null) local.set(payload.subarray(payloadOffset, payloadOffset + payloadLength), this.received);
      return 'accepted';
    }
    const mkey = this.qp.nic.mkeys.lookup(local.lkey);
    const address = local.address + this.received;
    if (mkey === null || (mkey.access & IBV_ACCESS_LOCAL_WRITE) === 0 || !mkey.covers(address, payloadLength)) {
      this.complete(request, 'IBV_WC_LOC_PROT_ERR', null);
      this.current = null;
      return NakCode.REMOTE_OPERATIONAL_ERROR;
    }
    const left = Math.max(payloadLength, local.length - this.received);
    if (!this.faults.present(packet, mkey, address, payloadLength, left, true)) return 'fault';
    this.place(mkey, address, packet);
    return 'accepted';
  }

  private place(mkey: NicMkey, address: number, packet: NicPacket): void {
    const { dma } = this.qp.nic;
    forEachPage(address, packet.payloadLength, (at, within, bytes, done) => {
      const op = dma.write(mttFrame(mkey.entry(at)), within, bytes, packet.payload, packet.payloadOffset + done);
      dma.issue(op, mkey, at, packet.mark);
    });
  }

  private complete(request: RecvWorkRequest, status: WcStatus, immediate: number | null): void {
    if (request === DISCARD) return;
    const byteLength = status === 'IBV_WC_SUCCESS' ? this.received : 0;
    this.qp.completeRecv({ wrId: request.wrId, status, opcode: 'RECV', qpn: this.qp.qpn, byteLength, immediate });
  }
}
