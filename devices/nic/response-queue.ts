import { PAGE_SIZE } from '../../src/base/index.js';
import { isWritable, mttFrame } from '../contract/index.js';
import type { DmaClient, DmaOp } from './dma-engine.js';
import { forEachPage } from './gather.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import { PendingResponse } from './pending-response.js';
import type { QueuePair } from './queue-pair.js';
import { NakCode, Opcode, ackSyndrome, nakSyndrome, psnAdd, psnCount } from './wire/index.js';

/** Atomic results that are kept to answer duplicates: max_dest_rd_atomic of most devices. */
const KEPT_ATOMICS = 128;
/** Response packets whose data is being fetched at once. */
const READ_WINDOW = 32;
const ACK = ackSyndrome();

/**
 * What a responder has to answer, in the order of the requests: acknowledgements and refusals behind the READ responses
 * that were asked for before them, atomics when they have been executed.
 *
 * Every answer acknowledges what came before it, whatever else it says, and an acknowledged WRITE is in memory: so no
 * answer leaves before everything that was issued before it has landed.
 */
export class ResponseQueue implements DmaClient {
  /** READs, atomics and other requests with a response of their own that have not been answered. */
  places = 0;
  /** True once a refusal is due after which the queue pair gives up: no request is taken any more. */
  closing = false;

  private readonly queue: PendingResponse[] = [];
  /** What atomics returned, by PSN, oldest first. */
  private readonly atomics = new Map<number, bigint>();
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

  /** A NAK. After a fatal one the queue pair gives up. */
  refuse(psn: number, syndrome: number, msn: number, fatal: boolean): void {
    if (fatal) this.closing = true;
    this.qp.nic.dma.whenLanded(() => {
      this.answer(new PendingResponse(Opcode.RC_ACKNOWLEDGE, psn, syndrome, msn, 0), fatal);
    });
  }

  /** The responses to a READ of at least one byte. */
  read(mkey: NicMkey, address: number, length: number, packet: NicPacket, msn: number): void {
    const response = this.push(Opcode.RC_RDMA_READ_REQUEST, packet, msn);
    response.mkey = mkey;
    response.address = address;
    response.length = length;
    this.advance();
  }

  /** The empty response of FLUSH, ATOMIC WRITE and a READ of nothing, once everything before it is in memory. */
  empty(packet: NicPacket, msn: number): void {
    const response = this.push(Opcode.RC_RDMA_READ_RESPONSE_ONLY, packet, msn);
    this.qp.nic.dma.whenLanded(() => {
      response.ready = true;
      this.advance();
    });
  }

  /** Executes an atomic when everything before it is in memory, and answers with the old value. */
  atomic(mkey: NicMkey, address: number, packet: NicPacket, msn: number): void {
    const { nic } = this.qp;
    const { psn, mark, opcode, compare, swapOrAdd } = packet;
    const response = this.push(Opcode.RC_ATOMIC_ACKNOWLEDGE, packet, msn);
    // PSNs come round: what is kept of an old request of this number is not this one's result.
    this.atomics.delete(psn);
    const frame = mttFrame(mkey.entry(address));
    const within = address % PAGE_SIZE;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    const read = nic.dma.read(frame, within, 8, bytes, 0);
    // What is written takes its place among the writes where it was issued: they land in that order.
    const stamp = nic.memory.nextStamp();
    nic.dma.issue(read, mkey, address, mark);
    nic.dma.watch(read, {
      dmaLanded: () => {
        const original = view.getBigUint64(0, true);
        const swaps = opcode !== Opcode.RC_CMP_SWAP || original === compare;
        const result = opcode === Opcode.RC_CMP_SWAP ? swapOrAdd : BigInt.asUintN(64, original + swapOrAdd);
        // Nothing can come between the read and this: operations land one at a time, and this is still the same one.
        if (swaps) {
          view.setBigUint64(0, result, true);
          nic.dma.writeNow({ frame, offset: within, bytes, stamp }, mkey, address, mark);
        }
        this.remember(psn, original);
        response.originalData = original;
        response.ready = true;
        this.advance();
      },
    });
  }

  /** Answers a duplicate atomic from memory; silence if it is too old, or has not been executed yet. */
  replayAtomic(packet: NicPacket, msn: number): void {
    const kept = this.atomics.get(packet.psn);
    if (kept === undefined) return;
    const response = this.push(Opcode.RC_ATOMIC_ACKNOWLEDGE, packet, msn);
    response.originalData = kept;
    response.ready = true;
    this.advance();
  }

  /** A WRITE or SEND that is to be acknowledged has landed. */
  dmaLanded(op: DmaOp): void {
    const msn = Math.floor(op.tag / 2 ** 24);
    if (this.queue.length === 0) this.send(Opcode.RC_ACKNOWLEDGE, op.tag % 2 ** 24, ACK, msn);
    else this.answer(new PendingResponse(Opcode.RC_ACKNOWLEDGE, op.tag % 2 ** 24, ACK, msn, 0), false);
  }

  private answer(response: PendingResponse, fatal: boolean): void {
    response.ready = true;
    response.fatal = fatal;
    this.queue.push(response);
    this.advance();
  }

  /** A response of its own, at the end of the queue. */
  private push(opcode: number, { psn, mark }: NicPacket, msn: number): PendingResponse {
    const response = new PendingResponse(opcode, psn, ACK, msn, mark);
    // A duplicate's answer is one more of a request that had its place.
    response.takesPlace = psn === this.qp.responder.expectedPsn;
    if (response.takesPlace) this.places++;
    this.queue.push(response);
    return response;
  }

  /** Sends what is ready, oldest first, and keeps the oldest READ fetching. */
  private advance(): void {
    for (let head = this.queue.at(0); head !== undefined && this.qp.state === 'RTS'; head = this.queue.at(0)) {
      if (head.opcode === Opcode.RC_RDMA_READ_REQUEST) {
        this.fetch(head);
        if (head.fetching > 0 || this.faulting) return;
        if (head.broken) {
          this.breakOff(head);
          return;
        }
        if (head.fetched < head.length) return;
      } else if (head.ready) {
        this.send(head.opcode, head.psn, head.syndrome, head.msn, head.originalData);
      } else {
        return;
      }
      this.queue.shift();
      if (head.takesPlace) this.places--;
      if (head.fatal) this.qp.toError();
    }
  }

  /** Fetches the data of the next response packets of a READ, as far as the window and the translations go. */
  private fetch(response: PendingResponse): void {
    const { mkey } = response;
    while (mkey !== null && !this.faulting && response.fetching < READ_WINDOW && response.fetched < response.length) {
      if (!mkey.valid) response.broken = true;
      if (response.broken) return;
      const length = Math.min(this.pathMtu, response.length - response.fetched);
      const address = response.address + response.fetched;
      if (!this.present(response, mkey, address, length)) return;
      this.fetchPacket(response, mkey, address, length);
    }
  }

  private fetchPacket(response: PendingResponse, mkey: NicMkey, address: number, length: number): void {
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

  private sendRead(response: PendingResponse, index: number, bytes: Uint8Array): void {
    if (this.queue.at(0) !== response) return;
    const last = index === psnCount(response.length, this.pathMtu) - 1;
    let opcode: number = Opcode.RC_RDMA_READ_RESPONSE_MIDDLE;
    if (index === 0) opcode = last ? Opcode.RC_RDMA_READ_RESPONSE_ONLY : Opcode.RC_RDMA_READ_RESPONSE_FIRST;
    else if (last) opcode = Opcode.RC_RDMA_READ_RESPONSE_LAST;
    this.send(opcode, psnAdd(response.psn, index), response.syndrome, response.msn, 0n, bytes);
  }

  /** A page of a READ went away after its first response: the rest waits for it. */
  private present(response: PendingResponse, mkey: NicMkey, address: number, length: number): boolean {
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
        if (outcome === 'error') response.broken = true;
        this.advance();
      },
    });
    return false;
  }

  /** What there is of a READ has been sent: the rest is refused, and nothing behind it is answered. */
  private breakOff({ psn, fetched, msn }: PendingResponse): void {
    this.queue.length = 0;
    this.refuse(psnAdd(psn, fetched / this.pathMtu), nakSyndrome(NakCode.REMOTE_ACCESS_ERROR), msn, true);
  }

  private remember(psn: number, originalData: bigint): void {
    this.atomics.set(psn, originalData);
    if (this.atomics.size <= KEPT_ATOMICS) return;
    for (const oldest of this.atomics.keys()) {
      this.atomics.delete(oldest);
      return;
    }
  }

  private send(
    opcode: number,
    psn: number,
    syndrome: number,
    msn: number,
    originalData = 0n,
    bytes: Uint8Array | null = null,
  ): void {
    if (this.qp.state !== 'RTS') return;
    // Whoever is answered may use the buffers of what was acknowledged for something else.
    this.qp.nic.memory.contents.settle();
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
