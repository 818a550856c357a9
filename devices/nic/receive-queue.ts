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

  /** One packet of a SEND. Its last one is to be followed by `finish` or `fail`. */
  take(packet: NicPacket, flags: number): ReceiveVerdict {
    if ((flags & OpcodeFlag.STARTS) !== 0 && this.current === null) {
      this.current = this.next();
      this.received = 0;
    }
    const { current } = this;
    if (current === null) return 'not-ready';
    if (this.received + packet.payloadLength > current.length) {
      this.fail('IBV_WC_LOC_LEN_ERR');
      return NakCode.INVALID_REQUEST;
    }
    const stored = this.store(current, packet);
    if (stored === 'accepted') this.received += packet.payloadLength;
    return stored;
  }

  /** The SEND has been received as a whole. */
  finish(immediate: number | null): void {
    this.completeCurrent('IBV_WC_SUCCESS', immediate);
  }

  /** The SEND that is being received cannot be. */
  fail(status: WcStatus): void {
    this.completeCurrent(status, null);
  }

  /** Whether a receive is posted that a WRITE with immediate can use up. */
  get available(): boolean {
    return this.posted.length > 0 || this.qp.init.bottomlessReceive === true;
  }

  /** A WRITE of `length` bytes with immediate has been received as a whole, and uses up a receive. */
  takeImmediate(immediate: number, length: number): void {
    const request = this.next();
    if (request === null || request === DISCARD) return;
    this.qp.completeRecv({
      wrId: request.wrId,
      status: 'IBV_WC_SUCCESS',
      opcode: 'RECV_RDMA_WITH_IMM',
      qpn: this.qp.qpn,
      byteLength: length,
      immediate,
    });
  }

  flush(): void {
    this.fail('IBV_WC_WR_FLUSH_ERR');
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
      this.fail('IBV_WC_LOC_PROT_ERR');
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

  private completeCurrent(status: WcStatus, immediate: number | null): void {
    const { current } = this;
    this.current = null;
    if (current !== null) this.complete(current, status, immediate);
  }

  private complete(request: RecvWorkRequest, status: WcStatus, immediate: number | null): void {
    if (request === DISCARD) return;
    const byteLength = status === 'IBV_WC_SUCCESS' ? this.received : 0;
    this.qp.completeRecv({ wrId: request.wrId, status, opcode: 'RECV', qpn: this.qp.qpn, byteLength, immediate });
  }
}
