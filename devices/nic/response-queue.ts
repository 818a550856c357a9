import { PAGE_SIZE } from '../../src/base/index.js';
import { isWritable, mttFrame } from '../contract/index.js';
import type { DmaClient, DmaOp } from './dma-engine.js';
import { forEachPage } from './gather.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { NakCode, Opcode, ackSyndrome, nakSyndrome, psnAdd, psnCount } from './wire/index.js';

/** Atomic results that are kept to answer duplicates: max_dest_rd_atomic of most devices. */
const KEPT_ATOMICS = 128;
/** Response packets whose data is being fetched at once. */
const READ_WINDOW = 32;
const ACK = ackSyndrome();

/** One answer that waits for its turn, or for memory. */
class Response {
  /** False while memory has not been read, or changed, yet. */
  ready = false;
  originalData = 0n;
  /** READ: what is left to fetch, from where, and the packets under way. */
  mkey: NicMkey | null = null;
  address = 0;
  left = 0;
  /** READ: bytes sent or being fetched so far. */
  fetched = 0;
  length = 0;
  fetching = 0;

  constructor(
    readonly opcode: number,
    public psn: number,
    readonly syndrome: number,
    readonly msn: number,
    readonly mark: number,
  ) {}
}

/**
 * What a responder has to answer, in the order of the requests: acknowledgements behind the READ responses that were
 * asked for before them, atomics when they have been executed. An acknowledged WRITE is in memory.
 */
export class ResponseQueue implements DmaClient {
  private readonly queue: Response[] = [];
  private readonly atomics: { readonly psn: number; readonly originalData: bigint }[] = [];
  private pathMtu = 4096;
  private faulting = false;

  constructor(private readonly qp: QueuePair) {}

  start(pathMtu: number): void {
    this.pathMtu = pathMtu;
  }

  flush(): void {
    this.queue.length = 0;
  }

  /** An ACK for everything up to `psn`, once what was issued so far has landed. `op` is the last DMA of the request. */
  acknowledge(psn: number, msn: number, op: DmaOp | null): void {
    const { dma } = this.qp.nic;
    const last = op ?? dma.call();
    if (op === null) dma.issue(last, null, 0, 0);
    dma.watch(last, this, msn * 2 ** 24 + psn);
  }

  /** A NAK, behind the answers that are due before it. */
  refuse(psn: number, syndrome: number, msn: number): void {
    this.answer(Opcode.RC_ACKNOWLEDGE, psn, syndrome, msn);
  }

  /** The responses to a READ. */
  read(mkey: NicMkey | null, address: number, length: number, psn: number, msn: number, mark: number): void {
    const response = new Response(Opcode.RC_RDMA_READ_REQUEST, psn, ACK, msn, mark);
    response.mkey = mkey;
    response.address = address;
    response.length = length;
    this.queue.push(response);
    this.advance();
  }

  /** The empty response of FLUSH and ATOMIC WRITE, once everything before it is in memory. */
  empty(psn: number, msn: number, mark: number): void {
    const response = new Response(Opcode.RC_RDMA_READ_RESPONSE_ONLY, psn, ACK, msn, mark);
    this.queue.push(response);
    this.whenLanded(() => {
      response.ready = true;
    });
  }

  /** Executes an atomic when everything before it is in memory, and answers with the old value. */
  atomic(mkey: NicMkey, address: number, packet: NicPacket, msn: number): void {
    const { nic } = this.qp;
    const { psn, mark, opcode, compare, swapOrAdd } = packet;
    const response = new Response(Opcode.RC_ATOMIC_ACKNOWLEDGE, psn, ACK, msn, mark);
    this.queue.push(response);
    const frame = mttFrame(mkey.entry(address));
    const within = address % PAGE_SIZE;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    const read = nic.dma.read(frame, within, 8, bytes, 0);
    nic.dma.issue(read, mkey, address, mark);
    nic.dma.watch(read, {
      dmaLanded: () => {
        const original = view.getBigUint64(0, true);
        const swaps = opcode !== Opcode.RC_CMP_SWAP || original === compare;
        const result = opcode === Opcode.RC_CMP_SWAP ? swapOrAdd : BigInt.asUintN(64, original + swapOrAdd);
        // Nothing can come between the read and this: operations land one at a time, and this is still the same one.
        if (swaps) {
          view.setBigUint64(0, result, true);
          nic.dma.writeNow(frame, within, bytes, mkey, address, mark);
        }
        this.remember(psn, original);
        response.originalData = original;
        response.ready = true;
        this.advance();
      },
    });
  }

  /** Answers a duplicate atomic from memory; silence if it is too old. */
  replayAtomic(psn: number, msn: number): void {
    const kept = this.atomics.find((result) => result.psn === psn);
    if (kept === undefined) return;
    const response = new Response(Opcode.RC_ATOMIC_ACKNOWLEDGE, psn, ACK, msn, 0);
    response.originalData = kept.originalData;
    response.ready = true;
    this.queue.push(response);
    this.advance();
  }

  /** A WRITE that is to be acknowledged has landed. */
  dmaLanded(op: DmaOp): void {
    const psn = op.tag % 2 ** 24;
    // Once it has its acknowledgement the requester may use the buffer for something else.
    this.qp.nic.memory.contents.settle();
    this.answer(Opcode.RC_ACKNOWLEDGE, psn, ACK, Math.floor(op.tag / 2 ** 24));
  }

  private answer(opcode: number, psn: number, syndrome: number, msn: number): void {
    if (this.qp.state !== 'RTS') return;
    if (this.queue.length === 0) {
      this.send(opcode, psn, syndrome, msn);
      return;
    }
    const response = new Response(opcode, psn, syndrome, msn, 0);
    response.ready = true;
    this.queue.push(response);
  }

  private whenLanded(then: () => void): void {
    const { dma } = this.qp.nic;
    const op = dma.call();
    dma.issue(op, null, 0, 0);
    dma.watch(op, {
      dmaLanded: () => {
        then();
        this.advance();
      },
    });
  }

  /** Sends what is ready, oldest first, and keeps the oldest READ fetching. */
  private advance(): void {
    for (let head = this.queue.at(0); head !== undefined && this.qp.state === 'RTS'; head = this.queue.at(0)) {
      if (head.opcode === Opcode.RC_RDMA_READ_REQUEST) {
        this.fetch(head);
        if (head.fetching > 0 || head.fetched < head.length || this.faulting) return;
        if (head.length === 0) this.send(Opcode.RC_RDMA_READ_RESPONSE_ONLY, head.psn, head.syndrome, head.msn);
      } else if (head.ready) {
        this.send(head.opcode, head.psn, head.syndrome, head.msn, head.originalData);
      } else {
        return;
      }
      this.queue.shift();
    }
  }

  /** Fetches the data of the next response packets of a READ, as far as the window and the translations go. */
  private fetch(response: Response): void {
    const { mkey } = response;
    while (mkey !== null && !this.faulting && response.fetching < READ_WINDOW && response.fetched < response.length) {
      const length = Math.min(this.pathMtu, response.length - response.fetched);
      const address = response.address + response.fetched;
      if (!mkey.valid) {
        this.abort(response);
        return;
      }
      if (!this.present(response, mkey, address, length)) return;
      this.fetchPacket(response, mkey, address, length);
    }
  }

  private fetchPacket(response: Response, mkey: NicMkey, address: number, length: number): void {
    const { dma } = this.qp.nic;
    const index = response.fetched / this.pathMtu;
    const bytes = new Uint8Array(length);
    forEachPage(address, length, (at, within, here, done) => {
      const op = dma.read(mttFrame(mkey.entry(at)), within, here, bytes, done);
      dma.issue(op, mkey, at, response.mark);
      if (done + here < length) return;
      dma.watch(op, {
        dmaLanded: () => {
          response.fetching--;
          this.sendRead(response, index, bytes);
          this.advance();
        },
      });
    });
    response.fetching++;
    response.fetched += length;
  }

  private sendRead(response: Response, index: number, bytes: Uint8Array): void {
    if (this.qp.state !== 'RTS' || this.queue.at(0) !== response) return;
    const last = index === psnCount(response.length, this.pathMtu) - 1;
    let opcode: number = Opcode.RC_RDMA_READ_RESPONSE_MIDDLE;
    if (index === 0) opcode = last ? Opcode.RC_RDMA_READ_RESPONSE_ONLY : Opcode.RC_RDMA_READ_RESPONSE_FIRST;
    else if (last) opcode = Opcode.RC_RDMA_READ_RESPONSE_LAST;
    this.send(opcode, psnAdd(response.psn, index), response.syndrome, response.msn, 0n, bytes);
  }

  /** A page of a READ went away after its first response: the rest waits for it. */
  private present(response: Response, mkey: NicMkey, address: number, length: number): boolean {
    const missing = mkey.firstMissing(address, length, false);
    if (missing < 0) return true;
    const { odp } = this.qp.nic.profile;
    const reach = odp.scope === 'message' ? response.length - response.fetched : length;
    const last = Math.floor((address + reach - 1) / PAGE_SIZE) - mkey.firstPage;
    this.faulting = true;
    this.qp.nic.raise({
      mkey,
      firstPage: missing,
      pages: Math.min(odp.maxPages, last - missing + 1),
      write: odp.faultsForWriteIfWritable && isWritable(mkey.access),
      qpn: this.qp.qpn,
      onResume: (outcome) => {
        this.faulting = false;
        if (outcome === 'error') this.abort(response);
        else this.advance();
      },
    });
    return false;
  }

  private abort(response: Response): void {
    if (this.qp.state !== 'RTS') return;
    const psn = psnAdd(response.psn, Math.floor(response.fetched / this.pathMtu));
    this.send(Opcode.RC_ACKNOWLEDGE, psn, nakSyndrome(NakCode.REMOTE_ACCESS_ERROR), response.msn);
    this.qp.toError();
  }

  private remember(psn: number, originalData: bigint): void {
    this.atomics.push({ psn, originalData });
    if (this.atomics.length > KEPT_ATOMICS) this.atomics.shift();
  }

  private send(
    opcode: number,
    psn: number,
    syndrome: number,
    msn: number,
    originalData = 0n,
    bytes: Uint8Array | null = null,
  ): void {
    const packet = this.qp.nic.pool.take();
    packet.opcode = opcode;
    packet.psn = psn;
    packet.syndrome = syndrome;
    packet.msn = msn;
    packet.originalData = originalData;
    packet.payload = bytes;
    packet.payloadOffset = 0;
    packet.payloadLength = bytes === null ? 0 : bytes.length;
    packet.padCount = -packet.payloadLength & 3;
    this.qp.send(packet);
  }
}
