import { PAGE_SIZE, pageOf } from '../../src/base/index.js';
import {
  IBV_ACCESS_FLUSH_GLOBAL,
  IBV_ACCESS_FLUSH_PERSISTENT,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  mttFrame,
} from '../contract/index.js';
import type { DmaOp } from './dma-engine.js';
import type { FaultGuard } from './fault-guard.js';
import { checkSequence, type OpenMessage } from './message-sequence.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import type { ReceiveQueue } from './receive-queue.js';
import { addressOf } from './request-packets.js';
import type { ResponseQueue } from './response-queue.js';
import { NakCode, OPCODE_FLAGS, OpcodeFlag } from './wire/index.js';

/** What is checked and executed goes by these. */
export interface ExecutorAttributes {
  readonly pathMtu: number;
  readonly qpAccess: number;
  readonly maxDestRdAtomic: number;
}

/**
 * How a request packet was taken: done; its page or its receive is missing and the requester is to be told; its page is
 * missing and the packet is kept; or refused with that NAK code.
 */
export type Verdict = 'accepted' | 'not-ready' | 'kept' | number;

/** FETH placement bits, and the rights that they need. */
const PLACEMENT_GLOBAL = 1;
const PLACEMENT_PERSISTENT = 2;

/** Executes the requests of a responder, packet by packet: checks their keys and rights, and moves their data. */
export class RequestExecutor {
  /** The last DMA operation of the packet at hand; null if it needed none. */
  lastOp: DmaOp | null = null;

  private attr!: ExecutorAttributes;
  /** The message that is being received, and of a WRITE its bytes in all and where the next one goes. */
  private open: OpenMessage = null;
  private mkey: NicMkey | null = null;
  private address = 0;
  private length = 0;
  private left = 0;

  constructor(
    private readonly qp: QueuePair,
    private readonly faults: FaultGuard,
    private readonly receives: ReceiveQueue,
    private readonly responses: ResponseQueue,
  ) {}

  start(attr: ExecutorAttributes): void {
    this.attr = attr;
  }

  /**
   * The packet that is expected.
   * @param msn what the answer to this request says
   */
  execute(packet: NicPacket, msn: number): Verdict {
    this.lastOp = null;
    const flags = OPCODE_FLAGS[packet.opcode];
    const wrong = checkSequence(this.open, packet, this.attr.pathMtu);
    if (wrong !== null) return wrong;
    const verdict = this.dispatch(packet, flags, msn);
    if (verdict !== 'accepted') return verdict;
    if ((flags & OpcodeFlag.ENDS) !== 0) this.open = null;
    else this.open = (flags & OpcodeFlag.SEND) !== 0 ? 'SEND' : 'WRITE';
    return 'accepted';
  }

  /** @returns how many of the first packets of a run of WRITE middle packets were taken, see Responder.receiveRun */
  executeRun(packet: NicPacket, most: number): number {
    const { mkey } = this;
    const { payloadLength, arrival, spacing } = packet;
    if (this.open !== 'WRITE' || mkey?.valid !== true || payloadLength !== this.attr.pathMtu) return 0;
    if (most * payloadLength > this.left || mkey.firstMissing(this.address, most * payloadLength, true) >= 0) return 0;
    const { simulation } = this.qp.nic;
    let taken = 0;
    do this.place(mkey, packet, packet.payloadOffset + taken * payloadLength);
    while (++taken < most && simulation.advanceAlone(arrival + taken * spacing));
    return taken;
  }

  /** Answers a READ that was executed before. Null, or the code of a NAK if its memory is no longer to be had. */
  readAgain(packet: NicPacket, msn: number): number | null {
    if (packet.dmaLength === 0) {
      this.responses.empty(packet, msn);
      return null;
    }
    const mkey = this.keyFor(packet, packet.dmaLength, IBV_ACCESS_REMOTE_READ);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    this.responses.read(mkey, addressOf(packet), packet.dmaLength, packet, msn);
    return null;
  }

  /** The page that a packet needed cannot be had: the code of the NAK. */
  faultFailed(opcode: number): number {
    if ((OPCODE_FLAGS[opcode] & OpcodeFlag.SEND) === 0) return NakCode.REMOTE_ACCESS_ERROR;
    // The memory is the receiver's own: it hears of it, too.
    this.receives.fail('IBV_WC_LOC_PROT_ERR');
    return NakCode.REMOTE_OPERATIONAL_ERROR;
  }

  private dispatch(packet: NicPacket, flags: number, msn: number): Verdict {
    if ((flags & OpcodeFlag.RDMA_WRITE) !== 0) return this.executeWrite(packet, flags);
    if ((flags & OpcodeFlag.SEND) !== 0) return this.executeSend(packet, flags);
    if (this.responses.places >= this.attr.maxDestRdAtomic) return NakCode.INVALID_REQUEST;
    if ((flags & OpcodeFlag.RDMA_READ) !== 0) return this.executeRead(packet, msn);
    if ((flags & OpcodeFlag.ATOMIC) !== 0) return this.executeAtomic(packet, msn);
    if ((flags & OpcodeFlag.ATOMIC_WRITE) !== 0) return this.executeAtomicWrite(packet, msn);
    if ((flags & OpcodeFlag.FLUSH) !== 0) return this.executeFlush(packet, msn);
    return NakCode.INVALID_REQUEST;
  }

  private executeWrite(packet: NicPacket, flags: number): Verdict {
    const length = packet.payloadLength;
    if ((flags & OpcodeFlag.STARTS) !== 0) {
      this.length = packet.dmaLength;
      this.left = packet.dmaLength;
      this.address = addressOf(packet);
      this.mkey = null;
      // A WRITE of nothing names no memory: its key and address are not looked at.
      if (this.left > 0) {
        this.mkey = this.keyFor(packet, this.left, IBV_ACCESS_REMOTE_WRITE);
        if (this.mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
      }
    }
    if (length > this.left || ((flags & OpcodeFlag.ENDS) !== 0 && length !== this.left)) return NakCode.INVALID_REQUEST;
    const { mkey } = this;
    if (mkey !== null && length > 0) {
      if (!mkey.valid) return NakCode.REMOTE_ACCESS_ERROR;
      if (!this.faults.present(packet, mkey, this.address, length, this.left, true)) return this.faultVerdict;
    }
    const immediate = (flags & OpcodeFlag.IMMDT) !== 0;
    if (immediate && !this.receives.available) return 'not-ready';
    if (mkey !== null && length > 0) this.place(mkey, packet, packet.payloadOffset);
    if (immediate) this.receives.takeImmediate(packet.immediate, this.length);
    return 'accepted';
  }

  /** Issues the DMA for one packet, whose data begins at `payloadOffset`, cut at page borders. */
  private place(mkey: NicMkey, packet: NicPacket, payloadOffset: number): void {
    const { dma } = this.qp.nic;
    const { payload, payloadLength, mark } = packet;
    const { address } = this;
    let page = pageOf(address);
    let within = address - page * PAGE_SIZE;
    for (let done = 0; done < payloadLength; page++) {
      const bytes = Math.min(PAGE_SIZE - within, payloadLength - done);
      const op = dma.write(mttFrame(mkey.entryOfPage(page)), within, bytes, payload, payloadOffset + done);
      dma.issue(op, mkey, address + done, mark);
      this.lastOp = op;
      within = 0;
      done += bytes;
    }
    this.address = address + payloadLength;
    this.left -= payloadLength;
  }

  private executeSend(packet: NicPacket, flags: number): Verdict {
    const verdict = this.receives.take(packet, flags);
    if (verdict === 'fault') return this.faultVerdict;
    if (verdict !== 'accepted' || (flags & OpcodeFlag.ENDS) === 0) return verdict;
    if ((flags & OpcodeFlag.IETH) !== 0 && !this.invalidate(packet.invalidateRKey)) {
      this.receives.fail('IBV_WC_REM_INV_REQ_ERR');
      return NakCode.REMOTE_ACCESS_ERROR;
    }
    this.receives.finish((flags & OpcodeFlag.IMMDT) !== 0 ? packet.immediate : null);
    return 'accepted';
  }

  /** Gives a key up. False if there is no such key; where receives are unknown, so are the keys that they give up. */
  private invalidate(rkey: number): boolean {
    return this.qp.nic.invalidateKey(rkey) || this.qp.init.bottomlessReceive === true;
  }

  private executeRead(packet: NicPacket, msn: number): Verdict {
    const { dmaLength: length } = packet;
    const address = addressOf(packet);
    if (length === 0) {
      this.responses.empty(packet, msn);
      return 'accepted';
    }
    const mkey = this.keyFor(packet, length, IBV_ACCESS_REMOTE_READ);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    const first = Math.min(length, this.attr.pathMtu);
    if (!this.faults.present(packet, mkey, address, first, length, false)) return this.faultVerdict;
    this.responses.read(mkey, address, length, packet, msn);
    return 'accepted';
  }

  private executeAtomic(packet: NicPacket, msn: number): Verdict {
    const address = addressOf(packet);
    const mkey = this.keyFor(packet, 8, IBV_ACCESS_REMOTE_ATOMIC);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    if (address % 8 !== 0) return NakCode.INVALID_REQUEST;
    if (!this.faults.present(packet, mkey, address, 8, 8, true)) return this.faultVerdict;
    this.responses.atomic(mkey, address, packet, msn);
    return 'accepted';
  }

  private executeAtomicWrite(packet: NicPacket, msn: number): Verdict {
    const address = addressOf(packet);
    const mkey = this.keyFor(packet, 8, IBV_ACCESS_REMOTE_WRITE);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    if (address % 8 !== 0 || packet.payloadLength !== 8) return NakCode.INVALID_REQUEST;
    if (!this.faults.present(packet, mkey, address, 8, 8, true)) return this.faultVerdict;
    this.address = address;
    this.left = 8;
    this.place(mkey, packet, packet.payloadOffset);
    this.responses.empty(packet, msn);
    return 'accepted';
  }

  /** FLUSH answers when everything before it is in memory. */
  private executeFlush(packet: NicPacket, msn: number): Verdict {
    const { placement, selectivity, rKey, dmaLength } = packet;
    const global = (placement & PLACEMENT_GLOBAL) === 0 ? 0 : IBV_ACCESS_FLUSH_GLOBAL;
    const persistent = (placement & PLACEMENT_PERSISTENT) === 0 ? 0 : IBV_ACCESS_FLUSH_PERSISTENT;
    const right = global | persistent;
    if (selectivity === 1) {
      const mkey = this.qp.nic.mkeys.lookup(rKey);
      if (mkey === null || !this.allows(mkey, right)) return NakCode.REMOTE_ACCESS_ERROR;
    } else if (dmaLength > 0 && this.keyFor(packet, dmaLength, right) === null) {
      return NakCode.REMOTE_ACCESS_ERROR;
    }
    this.responses.empty(packet, msn);
    return 'accepted';
  }

  private get faultVerdict(): Verdict {
    return this.faults.silent ? 'kept' : 'not-ready';
  }

  /** The key of a request for `length` bytes: checks in IBTA's order; null fails them. */
  private keyFor(packet: NicPacket, length: number, rights: number): NicMkey | null {
    const mkey = this.qp.nic.mkeys.lookup(packet.rKey);
    if (mkey === null || !this.allows(mkey, rights) || !mkey.covers(addressOf(packet), length)) return null;
    return mkey;
  }

  private allows(mkey: NicMkey, rights: number): boolean {
    return (this.attr.qpAccess & mkey.access & rights) === rights;
  }
}
