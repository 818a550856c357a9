import type { Simulation } from '../../src/engine/index.js';
import { HotStream, SimulationError, type Task } from '../../src/engine/index.js';
import type { PhysicalMemory } from '../../src/mm/index.js';
import { DriverError, blaming } from '../../notifiers/index.js';
import type { DeviceDriver, DriverCosts, Hardware, Mkey, MkeyInit, PageFault } from '../contract/index.js';
import { pageCost, type DeviceProfile } from './device-profile.js';
import { DmaEngine } from './dma-engine.js';
import { Egress } from './egress.js';
import { MkeyTable, NicMkey } from './mkey-table.js';
import type { NicPacket, PacketPool } from './packet-pool.js';
import { QueuePair, type QpInit } from './queue-pair.js';

/** What a NIC counts. */
export interface NicStats {
  packetsSent: number;
  packetsReceived: number;
  /** Packets sent again, for whatever reason. */
  retransmits: number;
  rnrNaksSent: number;
  rnrNaksReceived: number;
  /** PSN sequence error NAKs sent. */
  sequenceNaks: number;
  /** ACK timeouts. */
  timeouts: number;
  /** Page fault events raised. */
  pageFaults: number;
  /** Packets dropped because their page was missing or an earlier packet's was. */
  droppedForFault: number;
}

/** An entry of a translation table that is another now; the page is counted within the key. */
export interface TranslationChange {
  readonly mkey: NicMkey;
  readonly page: number;
  readonly was: number;
  readonly now: number;
}

/** A page fault that a queue pair waits for. */
export interface PendingFault extends PageFault {
  readonly mkey: NicMkey;
  /** Called when the driver has resumed the operation and the device goes on. */
  readonly onResume: (outcome: 'retry' | 'error') => void;
}

/**
 * A NIC as hardware: queue pairs, keys with their translations, a bus to memory, and page fault events for its driver.
 */
export class Nic implements Hardware {
  readonly stats: NicStats = {
    packetsSent: 0,
    packetsReceived: 0,
    retransmits: 0,
    rnrNaksSent: 0,
    rnrNaksReceived: 0,
    sequenceNaks: 0,
    timeouts: 0,
    pageFaults: 0,
    droppedForFault: 0,
  };
  readonly dma: DmaEngine;
  readonly egress: Egress;
  readonly mkeys = new MkeyTable();
  /** Page fault events, as they are raised. */
  readonly pageFaults$ = new HotStream<PendingFault>();
  /** Keys given up by SEND with invalidate. */
  readonly invalidated$ = new HotStream<Mkey>();
  /** Page faults that the driver has answered. */
  readonly resumed$ = new HotStream<{ readonly fault: PendingFault; readonly outcome: 'retry' | 'error' }>();
  /** Changes of translation tables, entry by entry. */
  readonly translations$ = new HotStream<TranslationChange>();
  /** Commands for keys that had been destroyed: errors of the driver, which such a device ignores. */
  readonly deadKeyCommands$ = new HotStream<{ readonly mkey: NicMkey; readonly command: string }>();
  readonly costs: DriverCosts;

  /** Page faults that the driver has not resumed. */
  private readonly faults = new Set<PendingFault>();
  private readonly qps = new Map<number, QueuePair>();
  /** Queue pairs that have something to send, in the order of their turns. */
  private readonly scheduled: QueuePair[] = [];
  /** True while they get their turns. */
  private serving = false;
  /** The queue pair that the last packet was for: packets come in runs. */
  private lastReceiver: QueuePair | undefined = undefined;
  private nextQpn = 1;
  private attached: DeviceDriver | null = null;

  constructor(
    readonly simulation: Simulation,
    readonly memory: PhysicalMemory,
    readonly pool: PacketPool,
    readonly name: string,
    readonly profile: DeviceProfile,
  ) {
    this.dma = new DmaEngine(simulation, memory, name, profile.dma);
    this.egress = new Egress(simulation, name, profile.link, pool);
    this.egress.onRoom = this.serveScheduled.bind(this);
    const { odp, registration } = profile;
    this.costs = {
      register: (pages) => pageCost(registration.register, pages),
      deregister: (pages) => pageCost(registration.deregister, pages),
      fault: (pages) => pageCost(odp.driver, pages),
      invalidate: (pages) => pageCost(odp.invalidate.bookkeeping, pages),
    };
  }

  /** The driver that gets this device's page faults. */
  attach(driver: DeviceDriver): void {
    this.attached = driver;
  }

  /** The driver that it is attached to, null before. */
  get driver(): DeviceDriver | null {
    return this.attached;
  }

  /** ibv_create_qp, for RC. */
  createQp(init: QpInit): QueuePair {
    while (this.qps.has(this.nextQpn)) this.nextQpn++;
    const qpn = init.qpn ?? this.nextQpn;
    if (this.qps.has(qpn)) throw new SimulationError(`QP number 0x${qpn.toString(16)} of ${this.name} is in use`);
    const qp = new QueuePair(this, qpn, init);
    this.qps.set(qpn, qp);
    return qp;
  }

  /** ibv_destroy_qp. */
  destroyQp(qp: QueuePair): void {
    qp.toError();
    this.qps.delete(qp.qpn);
    this.lastReceiver = undefined;
  }

  /** A packet from the wire. One for an unknown queue pair is dropped silently, as hardware does. */
  receive(packet: NicPacket): void {
    this.stats.packetsReceived++;
    let qp: QueuePair | undefined = this.lastReceiver;
    if (qp?.qpn !== packet.destQp) {
      qp = this.qps.get(packet.destQp);
      this.lastReceiver = qp;
    }
    if (qp === undefined) this.pool.give(packet);
    else qp.receive(packet);
  }

  /** PacketReceiver. */
  receiveRun(packet: NicPacket, most: number): number {
    const taken = this.qps.get(packet.destQp)?.receiveRun(packet, most) ?? 0;
    this.stats.packetsReceived += taken;
    return taken;
  }

  /** @internal True if no other queue pair waits for a turn: the one whose turn it is may send a run. */
  get servesOne(): boolean {
    return this.scheduled.length === 1;
  }

  createMkey(init: MkeyInit): NicMkey {
    return this.mkeys.create(init);
  }

  *destroyMkey(mkey: Mkey): Task {
    const key = this.alive(mkey, 'destroy');
    this.mkeys.destroy(key, this.simulation.now);
    this.clear(key, 0, key.pages);
    yield* this.dma.drain(key);
  }

  *map(mkey: Mkey, firstPage: number, entries: Int32Array): Task {
    const key = this.alive(mkey, 'map');
    const present = entries.reduce((count, entry) => (entry === 0 ? count : count + 1), 0);
    if (present > 0) yield pageCost(this.profile.odp.update, present);
    if (!key.valid) return;
    for (let i = 0; i < entries.length; i++) if (entries[i] !== 0) this.setEntry(key, firstPage + i, entries[i]);
  }

  *unmap(mkey: Mkey, firstPage: number, pages: number): Task {
    const key = this.alive(mkey, 'unmap');
    const { check, update } = this.profile.odp.invalidate;
    yield pageCost(check, pages);
    let present = 0;
    key.entries.forEach(firstPage, firstPage + pages, () => present++);
    if (present > 0) {
      yield pageCost(update, present);
      this.clear(key, firstPage, firstPage + pages);
    }
    yield* this.dma.drain(key);
  }

  resume(fault: PageFault, outcome: 'retry' | 'error'): void {
    const pending = fault as PendingFault;
    if (!this.faults.delete(pending)) {
      throw new SimulationError(`${nameOf(fault)} of ${this.name} was resumed, but nothing waits for it`);
    }
    this.resumed$.emit({ fault: pending, outcome });
    this.simulation.after(this.profile.odp.resume, `${this.name} resume`, () => {
      pending.onResume(outcome);
    });
  }

  /** @internal a queue pair has something to send. */
  schedule(qp: QueuePair): void {
    if (qp.scheduled) return;
    qp.scheduled = true;
    this.scheduled.push(qp);
    this.serveScheduled();
  }

  /** One packet per queue pair in turn, as long as the link wants more. */
  private serveScheduled(): void {
    // A request that fails when its turn comes completes, and whoever hears of that may post more.
    if (this.serving) return;
    this.serving = true;
    while (this.scheduled.length > 0 && this.egress.room > 0) {
      const qp = this.scheduled[0];
      const more = qp.requester.sendNext();
      if (more && this.scheduled.length === 1) continue;
      this.scheduled.shift();
      qp.scheduled = more;
      if (more) this.scheduled.push(qp);
    }
    this.serving = false;
  }

  /** @internal a SEND with invalidate gives a key of this device up. False if it has no such key. */
  invalidateKey(rkey: number): boolean {
    const mkey = this.mkeys.lookup(rkey);
    if (mkey === null) return false;
    mkey.valid = false;
    this.invalidated$.emit(mkey);
    return true;
  }

  /** @internal raises a page fault event; the driver hears of it after the trigger latency. */
  raise(fault: PendingFault): void {
    const { attached: driver } = this;
    if (driver === null) throw new SimulationError(`${this.name} has no driver for its page faults`);
    this.stats.pageFaults++;
    const { trace } = this.simulation;
    if (trace.on) {
      const { firstPage, pages, write, qpn } = fault;
      trace.emit({ kind: 'device_fault', nic: this.name, rkey: fault.mkey.rkey, firstPage, pages, write, qpn });
    }
    this.pageFaults$.emit(fault);
    this.faults.add(fault);
    this.simulation.after(pageCost(this.profile.odp.trigger, fault.pages), `${this.name} page fault event`, () => {
      const name = `page fault of ${this.name}, driver "${driver.name}"`;
      this.simulation.spawn(name, this.handle(fault, driver), { daemon: true });
    });
  }

  /** The driver's handler, which must not forget the fault: its queue pair would wait for ever. */
  private *handle(fault: PendingFault, driver: DeviceDriver): Task {
    const subject = `${nameOf(fault)} of ${this.name}`;
    yield* blaming(driver.name, 'pageFault', subject, driver.pageFault(fault));
    if (!this.faults.has(fault)) return;
    throw new DriverError(driver.name, 'pageFault', subject, new Error('it ended without hardware.resume'));
  }

  private setEntry(key: NicMkey, page: number, now: number): void {
    const was = key.entries.get(page);
    key.entries.set(page, now);
    if (this.translations$.observed) this.translations$.emit({ mkey: key, page, was, now });
  }

  private clear(key: NicMkey, first: number, end: number): void {
    if (!this.translations$.observed) key.entries.clear(first, end);
    else key.entries.forEach(first, end, (page) => this.setEntry(key, page, 0));
  }

  /** A key that its driver has not destroyed; a command for another is an error of the driver. */
  private alive(mkey: Mkey, command: string): NicMkey {
    const key = this.own(mkey);
    if (key.destroyedAt !== null) this.deadKeyCommands$.emit({ mkey: key, command });
    return key;
  }

  private own(mkey: Mkey): NicMkey {
    if (!(mkey instanceof NicMkey)) throw new SimulationError(`${this.name} was given a key of another device`);
    return mkey;
  }
}

function nameOf({ mkey, firstPage, pages, write }: PageFault): string {
  const which =
    pages === 1 ? `page ${String(firstPage)}` : `pages [${String(firstPage)}, ${String(firstPage + pages)})`;
  return `${write ? 'write' : 'read'} fault of ${which} of rkey 0x${mkey.rkey.toString(16)}`;
}
