import {
  ICRC_BYTES,
  Opcode,
  OpcodeFlag,
  opcodeHas,
  psnDistance,
  transportOf,
} from '../../../../devices/nic/wire/index.js';
import { HostPairs, HostTable, NO_HOST, NO_PAIR, parseCmMessage } from '../packets/index.js';
import { ConnectionLedger } from './connection-ledger.js';
import { ConnectionTable } from './connection-table.js';
import type { FlowFacts } from './flow.js';
import type { FlowTracker } from './flow-tracker.js';
import type { RequestSink } from './message-assembler.js';
import { PSN_WINDOW, REORDER_NS } from './request-order.js';
import { ResponseBinder } from './response-binder.js';
import type { AnnouncedRegion, CmMessage, RoceReader, StreamPacket } from '../packets/index.js';

const CM_QPN = 1;

/** A region and the number of its host in the host table. */
export interface HostRegion extends AnnouncedRegion {
  readonly host: number;
}

const MAX_REGIONS = 65_536;

/** Gives each packet of a capture to the flow it belongs to. */
export class FlowTable {
  readonly hosts = new HostTable();
  /** Memory that hosts have offered to others, in order of appearance. */
  readonly regions: HostRegion[] = [];
  private readonly pairs = new HostPairs();
  private readonly connections: ConnectionTable;
  private readonly cm = new ConnectionLedger();
  private readonly binder: ResponseBinder;
  /** Flows with responses to what has not been captured, the oldest first. */
  private readonly unsettled: FlowTracker[] = [];

  constructor(private readonly sink: RequestSink) {
    this.binder = new ResponseBinder(
      sink.skips,
      (flow, response) => this.deliver(flow, response),
      (pair, flow) => this.connections.pairUp(pair, flow),
    );
    this.connections = new ConnectionTable(sink, this.hosts, this.pairs, this.binder);
  }

  /** All flows, in order of appearance. */
  get flows(): readonly FlowFacts[] {
    return this.connections.flows;
  }

  /** Takes the reader's current packet, which `from` wraps. */
  accept(reader: RoceReader, from: StreamPacket): void {
    this.settleBefore(from.timeNs - REORDER_NS);
    const { layers, frame } = reader;
    const source = this.hosts.idOf(layers, frame.bytes, layers.sourceOffset);
    const destination = this.hosts.idOf(layers, frame.bytes, layers.destinationOffset);
    if (source === NO_HOST || destination === NO_HOST) {
      this.skip('too-many-flows', from);
      return;
    }
    const sender = this.hosts.hosts[source];
    sender.packetsSent++;
    sender.bytesSent += layers.icrcOffset + ICRC_BYTES - layers.ipOffset;
    const { opcode } = from.packet;
    if (transportOf(opcode) !== 'RC') this.other(from, source, destination);
    else if (opcodeHas(opcode, OpcodeFlag.REQUEST)) this.request(from, this.pairs.idOf(source, destination));
    else this.respond(from, this.pairs.idOf(destination, source));
  }

  /** The capture is over. */
  finish(): void {
    this.binder.finish();
    this.connections.finish();
  }

  private other(from: StreamPacket, source: number, destination: number): void {
    const { packet } = from;
    if (packet.opcode === Opcode.CNP) {
      this.skip('cnp', from);
    } else if (packet.opcode === Opcode.UD_SEND_ONLY && packet.destQp === CM_QPN) {
      this.skip('cm', from);
      if (packet.payload === null) return;
      const message = parseCmMessage(packet.payload, packet.payloadOffset, from.payloadCaptured);
      if (message !== undefined) this.manage(message, from, source, destination);
    } else {
      this.sink.skips.add('unsupported-transport', from.frame, from.offset, () => transportOf(packet.opcode));
    }
  }

  private manage(message: CmMessage, from: StreamPacket, source: number, destination: number): void {
    if (message.type === 'DREQ') {
      const pair = this.pairs.idOf(source, destination);
      if (pair !== NO_PAIR) this.connections.disconnect(pair, message.remoteQpn, from);
      return;
    }
    for (const flow of this.cm.note(message, source, destination)) this.connections.announce(flow);
    if (message.region !== undefined && this.regions.length < MAX_REGIONS) {
      this.regions.push({ ...message.region, host: source });
    }
  }

  private respond(from: StreamPacket, pair: number): void {
    if (pair === NO_PAIR) this.skip('too-many-flows', from);
    else this.binder.respond(pair, from);
  }

  private request(from: StreamPacket, pair: number): void {
    if (pair === NO_PAIR) {
      this.skip('too-many-flows', from);
      return;
    }
    const flow = this.connections.find(pair, from.packet.destQp);
    if (flow === undefined) this.begin(from, pair)?.request(from);
    else if (flow.relates(from)) flow.request(from);
    else this.unrelated(flow, from, pair);
  }

  /** A PSN out of place: a new connection on the same queue pair number, or one packet that makes no sense. */
  private unrelated(flow: FlowTracker, from: StreamPacket, pair: number): void {
    const stray = flow.stray.packet;
    if (stray !== undefined && continues(stray, from)) {
      flow.stray.take();
      const next = this.begin(stray, pair);
      next?.request(stray);
      next?.request(from);
    } else if (flow.quiet(from.timeNs) && opcodeHas(from.packet.opcode, OpcodeFlag.STARTS)) {
      this.begin(from, pair)?.request(from);
    } else {
      flow.stray.keep(from);
    }
  }

  private begin(from: StreamPacket, pair: number): FlowTracker | undefined {
    const flow = this.connections.open(pair, from.packet, from.timeNs);
    if (flow === undefined) this.skip('too-many-flows', from);
    return flow;
  }

  private deliver(flow: FlowTracker, response: StreamPacket): void {
    if (flow.respond(response)) this.unsettled.push(flow);
  }

  private settleBefore(timeNs: number): void {
    while (this.unsettled.length > 0) {
      const since = this.unsettled[0].unsettledSinceNs;
      if (since !== Infinity && since > timeNs) return;
      this.unsettled.shift()!.settle();
    }
  }

  private skip(reason: 'cm' | 'cnp' | 'too-many-flows', from: StreamPacket): void {
    this.sink.skips.add(reason, from.frame, from.offset);
  }
}

function continues(stray: StreamPacket, next: StreamPacket): boolean {
  const distance = psnDistance(stray.packet.psn, next.packet.psn);
  return distance >= 0 && distance <= PSN_WINDOW;
}
