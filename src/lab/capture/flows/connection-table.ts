import { psnDistance } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';
import type { AnnouncedFlow } from './connection-ledger.js';
import { FlowFacts } from './flow.js';
import { FlowTracker } from './flow-tracker.js';
import { NO_PAIR } from '../packets/index.js';
import type { HostPairs, HostTable, StreamPacket } from '../packets/index.js';
import type { RequestSink } from './message-assembler.js';
import { AheadBudget } from './packets-ahead.js';
import { PSN_WINDOW } from './request-order.js';
import type { ResponseBinder } from './response-binder.js';

const MAX_FLOWS = 65_536;

/** The flows that exist at the moment, by host pair and responder queue pair, and those that CM has announced. */
export class ConnectionTable {
  /** All flows there have been, in order of appearance. */
  readonly flows: FlowFacts[] = [];
  private readonly live = new Map<number, FlowTracker>();
  private readonly announced = new Map<number, AnnouncedFlow>();
  private readonly ordinals = new Map<number, number>();
  /** Communication ids of live flows that CM announced. */
  private readonly communicationIds = new Map<number, number>();
  private readonly budget = new AheadBudget();

  constructor(
    private readonly sink: RequestSink,
    private readonly hosts: HostTable,
    private readonly pairs: HostPairs,
    private readonly binder: ResponseBinder,
  ) {}

  find(pair: number, responderQpn: number): FlowTracker | undefined {
    return this.live.get(keyOf(pair, responderQpn));
  }

  /** Begins a flow with the request `packet`; a flow that uses the same queue pair number ends. Undefined: too many. */
  open(pair: number, packet: Packet, timeNs: number): FlowTracker | undefined {
    if (this.flows.length >= MAX_FLOWS) return undefined;
    const key = keyOf(pair, packet.destQp);
    this.retire(key, pair);
    const announced = this.announced.get(key);
    this.announced.delete(key);
    const lead = announced === undefined ? -1 : psnDistance(announced.startPsn, packet.psn);
    const startPsn = announced !== undefined && lead >= 0 && lead <= PSN_WINDOW ? announced.startPsn : packet.psn;
    const responderHost = this.pairs.responderOf(pair);
    const ends = {
      requester: this.hosts.hosts[this.pairs.requesterOf(pair)].address,
      responder: this.hosts.hosts[responderHost].address,
      responderHost,
      responderQpn: packet.destQp,
    };
    const facts = new FlowFacts(this.flows.length, ends, this.ordinals.get(key) ?? 0, startPsn, timeNs);
    const flow = new FlowTracker(facts, this.sink, this.budget);
    this.flows.push(facts);
    this.live.set(key, flow);
    if (announced !== undefined) {
      this.communicationIds.set(key, announced.communicationId);
      if (announced.pathMtu > 0) flow.learnPathMtu(announced.pathMtu);
    }
    this.binder.add(pair, flow);
    const requesterQpn = announced?.requesterQpn ?? this.reverseOf(pair, packet.destQp)?.facts.responderQpn;
    if (requesterQpn !== undefined) this.binder.assume(pair, flow, requesterQpn);
    return flow;
  }

  /** CM says that a flow is about to begin. What it says again about one that has begun changes nothing. */
  announce(flow: AnnouncedFlow): void {
    const pair = this.pairs.idOf(flow.requesterHost, flow.responderHost);
    if (pair === NO_PAIR) return;
    const key = keyOf(pair, flow.responderQpn);
    if (this.live.has(key)) {
      if (this.communicationIds.get(key) === flow.communicationId) return;
      this.retire(key, pair);
    }
    if (this.announced.size < MAX_FLOWS) this.announced.set(key, flow);
  }

  /** CM says that the connection with `qpn` of the responder of `pair` ends, in both directions. */
  disconnect(pair: number, qpn: number, { timeNs, frame }: StreamPacket): void {
    for (const flow of [this.find(pair, qpn), this.binder.flowOf(this.pairs.reverseOf(pair), qpn)]) {
      if (flow !== undefined) flow.facts.disconnected ??= { timeNs, frame };
    }
  }

  /** A response has shown the requester's queue pair of `flow`: the flow the other way, if any, is between the same two. */
  pairUp(pair: number, flow: FlowTracker): void {
    const { requesterQpn, responderQpn } = flow.facts;
    const reverse = this.pairs.reverseOf(pair);
    const back = requesterQpn === undefined ? undefined : this.find(reverse, requesterQpn);
    if (back?.facts.requesterQpn === undefined && back !== undefined) this.binder.assume(reverse, back, responderQpn);
  }

  finish(): void {
    for (const flow of this.live.values()) flow.finish();
  }

  /** The live flow that the queue pair `qpn` of the responder of `pair` sends the other way. */
  private reverseOf(pair: number, qpn: number): FlowTracker | undefined {
    const back = this.binder.flowOf(this.pairs.reverseOf(pair), qpn);
    return back === undefined || back.retired ? undefined : back;
  }

  private retire(key: number, pair: number): void {
    const flow = this.live.get(key);
    if (flow === undefined) return;
    flow.retired = true;
    this.binder.remove(pair, flow);
    flow.finish();
    this.live.delete(key);
    this.communicationIds.delete(key);
    this.ordinals.set(key, flow.facts.connection + 1);
  }
}

function keyOf(pair: number, qpn: number): number {
  return pair * 2 ** 24 + qpn;
}
