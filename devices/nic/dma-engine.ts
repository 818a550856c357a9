import type { LatentWrites } from '../../src/base/index.js';
import { Condition, HotStream, SEC, type Simulation, type Task, type Timer } from '../../src/engine/index.js';
import type { PhysicalMemory } from '../../src/mm/index.js';
import type { DeviceProfile } from './device-profile.js';
import type { NicMkey } from './mkey-table.js';

/** What a DMA operation does when it reaches memory. A call does nothing to it. */
export type DmaKind = 'write' | 'read' | 'call';

/** Told when an operation has landed. */
export interface DmaClient {
  dmaLanded(op: DmaOp): void;
}

/** Bytes for a frame, and the identity that was set aside for their write. */
export interface ImmediateWrite {
  readonly frame: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly stamp: number;
}

/** One access to memory under way. Objects are used again: what is read here is true only while it is being announced. */
export class DmaOp {
  kind: DmaKind = 'call';
  /** Virtual time in ns at which it lands. */
  at = 0;
  /** Frame of memory, and the bytes of it. */
  frame = 0;
  offset = 0;
  length = 0;
  /** Where the bytes come from or go to; null: nowhere. */
  buffer: Uint8Array | null = null;
  bufferOffset = 0;
  /** Identity of a write. */
  stamp = 0;
  /** The key it goes through and the address in it; null for memory that is no region's. */
  mkey: NicMkey | null = null;
  address = 0;
  /** The work request it belongs to. */
  mark = 0;
  /** Told when it has landed, and what it wanted to remember. */
  client: DmaClient | null = null;
  tag = 0;
}

/**
 * The bus between a NIC and memory. Operations land in the order in which they were issued, each a latency after that:
 * until then they are in flight, and whoever takes the page away from the NIC must wait for them.
 *
 * Operations that somebody waits for have an event of their own. The others, most packets of a long message, land
 * unnoticed when memory is next looked at, with the same result.
 */
export class DmaEngine implements LatentWrites {
  /** Every operation, when it is issued: from here on it will happen whatever becomes of the translation. */
  readonly issued$ = new HotStream<DmaOp>();
  /** Every operation, when it reaches memory. */
  readonly landed$ = new HotStream<DmaOp>();

  /** In flight, oldest first, in a ring; and those that are not, the latest used on top: it is still in the cache. */
  private ring: (DmaOp | null)[] = new Array<null>(64).fill(null);
  private head = 0;
  private count = 0;
  private readonly free: DmaOp[] = [];
  /** Times of the operations in flight that have a client, oldest first. */
  private readonly awaited: number[] = [];
  /** Sequence numbers: the next operation's, and the first one that has not landed. */
  private nextSeq = 0;
  private landedBefore = 0;
  private lastLanding = 0;
  private readonly timer: Timer;
  private readonly nsPerByte: number;
  /** Notified when operations have landed at an event of their own. */
  private readonly landings: Condition;

  constructor(
    private readonly simulation: Simulation,
    private readonly memory: PhysicalMemory,
    name: string,
    private readonly costs: DeviceProfile['dma'],
  ) {
    this.nsPerByte = SEC / costs.bytesPerSecond;
    this.landings = new Condition(simulation, `DMA of ${name} in flight`);
    this.timer = simulation.timer(`${name} DMA`, () => {
      this.landAwaited();
    });
    memory.contents.addSource(this);
  }

  /** Posts a write of `length` bytes to a frame; null writes bytes that nobody knows. */
  write(frame: number, offset: number, length: number, buffer: Uint8Array | null, bufferOffset: number): DmaOp {
    const op = this.next('write', this.costs.writeLatency, length);
    op.frame = frame;
    op.offset = offset;
    op.buffer = buffer;
    op.bufferOffset = bufferOffset;
    op.stamp = this.memory.nextStamp();
    return op;
  }

  /** Reads `length` bytes of a frame into a buffer. */
  read(frame: number, offset: number, length: number, buffer: Uint8Array, bufferOffset: number): DmaOp {
    const op = this.next('read', this.costs.readLatency, length);
    op.frame = frame;
    op.offset = offset;
    op.buffer = buffer;
    op.bufferOffset = bufferOffset;
    return op;
  }

  /** Calls `then` when everything that was issued before has landed: for answers and completions that must wait. */
  whenLanded(then: () => void): void {
    const op = this.call();
    this.issue(op, null, 0, 0);
    this.watch(op, { dmaLanded: then });
  }

  /** An operation that does nothing to memory, to be issued and watched: it lands behind everything issued before. */
  call(): DmaOp {
    return this.next('call', 0, 0);
  }

  /** Lays an operation to a key's account and announces it. Every operation must be issued before the next is made. */
  issue(op: DmaOp, mkey: NicMkey | null, address: number, mark: number): void {
    op.mkey = mkey;
    op.address = address;
    op.mark = mark;
    if (mkey !== null) mkey.lastDma = this.nextSeq - 1;
    if (this.issued$.observed) this.issued$.emit(op);
    if (this.landed$.observed) this.watch(op, UNINTERESTED);
  }

  /** Has `client` told when an operation that is in flight lands. A later client takes an earlier one's place. */
  watch(op: DmaOp, client: DmaClient, tag = 0): void {
    const first = op.client === null;
    op.client = client;
    op.tag = tag;
    if (!first) return;
    this.awaited.push(op.at);
    if (this.awaited.length === 1) this.timer.arm(op.at - this.simulation.now);
  }

  /**
   * Waits until everything that was issued through a key before this call has landed. What is issued meanwhile is not
   * waited for: it went through translations that are still there.
   */
  *drain(mkey: NicMkey): Task {
    const last = mkey.lastDma;
    for (;;) {
      this.memory.contents.settle();
      const behind = last - this.landedBefore;
      if (behind < 0) return;
      const op = this.ring[(this.head + behind) & (this.ring.length - 1)];
      const due = op === null ? 0 : op.at - this.simulation.now;
      // Somebody waits for an operation that is due and has not landed: it lands at its own event, at this instant.
      if (due > 0) yield due;
      else yield this.landings;
    }
  }

  /** Frames that operations in flight will touch. */
  *inFlight(): Generator<DmaOp, void, void> {
    this.memory.contents.settle();
    for (let i = 0; i < this.count; i++) {
      const op = this.ring[(this.head + i) & (this.ring.length - 1)];
      if (op !== null && op.kind !== 'call') yield op;
    }
  }

  /**
   * Writes at the instant at which an operation lands, from inside its client: the second half of an atomic.
   */
  writeNow(write: ImmediateWrite, mkey: NicMkey, address: number, mark: number): void {
    const { frame, offset, bytes, stamp } = write;
    const op = new DmaOp();
    Object.assign(op, { kind: 'write', at: this.simulation.now, frame, offset, length: bytes.length, buffer: bytes });
    Object.assign(op, { stamp, mkey, address, mark });
    if (this.issued$.observed) this.issued$.emit(op);
    this.memory.contents.write(frame, offset, bytes.length, stamp, bytes, 0);
    if (this.landed$.observed) this.landed$.emit(op);
  }

  /** @internal An operation with a client lands at its own event, so one that is due at this instant is not due yet. */
  dueAt(): number {
    const op = this.ring[this.head];
    if (op === null) return Infinity;
    const { now } = this.simulation;
    return op.at < now || (op.at === now && op.client === null) ? op.at : Infinity;
  }

  /** @internal */
  applyOldest(): void {
    const op = this.shift();
    this.apply(op);
    this.recycle(op);
  }

  private next(kind: DmaKind, latency: number, length: number): DmaOp {
    if (this.count === this.ring.length) this.makeRoom();
    const op = this.free.pop() ?? new DmaOp();
    this.ring[(this.head + this.count) & (this.ring.length - 1)] = op;
    this.count++;
    this.nextSeq++;
    const transfer = Math.round(length * this.nsPerByte);
    this.lastLanding = Math.max(this.lastLanding, this.simulation.now + latency) + transfer;
    op.kind = kind;
    op.at = this.lastLanding;
    op.length = length;
    return op;
  }

  /** Lands what is due, up to the operations that somebody waits for at this instant. */
  private landAwaited(): void {
    const { now } = this.simulation;
    this.memory.contents.settle();
    for (let op = this.ring[this.head]; op !== null && op.at <= now; op = this.ring[this.head]) {
      this.shift();
      this.apply(op);
      const { client } = op;
      if (client !== null) {
        this.awaited.shift();
        client.dmaLanded(op);
      }
      this.recycle(op);
    }
    this.landings.notifyAll();
    if (this.awaited.length > 0 && !this.timer.armed) this.timer.arm(this.awaited[0] - now);
  }

  private shift(): DmaOp {
    const op = this.ring[this.head] ?? new DmaOp();
    this.ring[this.head] = null;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.count--;
    this.landedBefore++;
    return op;
  }

  private apply(op: DmaOp): void {
    const { contents } = this.memory;
    if (op.kind === 'write') {
      if (op.buffer === null) contents.write(op.frame, op.offset, op.length, op.stamp, null);
      else contents.writeLater(op.frame, op.offset, op.length, op.stamp, op.buffer, op.bufferOffset);
    } else if (op.kind === 'read' && op.buffer !== null) {
      contents.read(op.frame, op.offset, op.buffer, op.bufferOffset, op.length);
    }
    if (this.landed$.observed) this.landed$.emit(op);
  }

  private recycle(op: DmaOp): void {
    op.buffer = null;
    op.client = null;
    this.free.push(op);
  }

  /** The ring is full: of operations that have long landed unnoticed, usually. */
  private makeRoom(): void {
    this.memory.contents.settle();
    const { length } = this.ring;
    if (this.count <= length / 2) return;
    const ordered = Array.from({ length }, (_, i) => this.ring[(this.head + i) & (length - 1)]);
    this.ring = [...ordered, ...new Array<null>(length).fill(null)];
    this.head = 0;
  }
}

/** Watches an operation so that it has an event of its own. */
const UNINTERESTED: DmaClient = { dmaLanded: () => undefined };
