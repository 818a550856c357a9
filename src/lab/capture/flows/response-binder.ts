import type { FlowTracker } from './flow-tracker.js';
import type { SkipLedger, StreamPacket } from '../packets/index.js';

/** Flows of one pair of hosts that are tried for a response; the latest ones. */
const MAX_TRIED = 64;
/** Responses kept until it is clear whose they are. */
const MAX_KEPT = 64;
const MAX_WAITING = 4096;
/** Beyond this many, those that wait are not gone through again for each flow that finds its own. */
const MAX_RECONSIDERED = 64;

interface Waiting {
  readonly pair: number;
  readonly requesterQpn: number;
  candidates: readonly FlowTracker[];
  readonly kept: StreamPacket[];
}

/**
 * Finds the flow that a response belongs to. A response names the requester's queue pair, a request the responder's, and
 * no packet names both: the first response whose PSN fits exactly one flow between the two hosts ties them together. Where
 * several fit (applications that start every queue pair at PSN 0), the UDP source port decides: Linux derives it from the
 * two queue pair numbers, so that it is the same in both directions. Failing that, the responses wait.
 *
 * `pair` is the number of the ordered host pair requester → responder.
 */
export class ResponseBinder {
  private readonly bound = new Map<number, FlowTracker>();
  private readonly unbound = new Map<number, FlowTracker[]>();
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly skips: SkipLedger,
    private readonly deliver: (to: FlowTracker, response: StreamPacket) => void,
    private readonly onBound: (pair: number, flow: FlowTracker) => void,
  ) {}

  /** A flow that responses may turn up for. */
  add(pair: number, flow: FlowTracker): void {
    const flows = this.unbound.get(pair);
    if (flows === undefined) this.unbound.set(pair, [flow]);
    else flows.push(flow);
  }

  /** A flow that responses no longer turn up for, or whose requester is known. */
  remove(pair: number, flow: FlowTracker): void {
    const flows = this.unbound.get(pair);
    const at = flows?.indexOf(flow) ?? -1;
    if (at >= 0) flows!.splice(at, 1);
  }

  /** The flow of `pair` whose requester has this queue pair number, as far as is known. */
  flowOf(pair: number, requesterQpn: number): FlowTracker | undefined {
    return this.bound.get(keyOf(pair, requesterQpn));
  }

  /** Ties a flow to a requester queue pair until a response to another one contradicts it. */
  assume(pair: number, flow: FlowTracker, requesterQpn: number): void {
    const owner = this.flowOf(pair, requesterQpn);
    if (owner !== undefined && owner.confirmed && !owner.retired) return;
    flow.facts.requesterQpn = requesterQpn;
    this.bound.set(keyOf(pair, requesterQpn), flow);
  }

  /** Delivers `response`, whose DestQP is the requester's, to its flow; now, later, or never if it has none. */
  respond(pair: number, response: StreamPacket): void {
    const { packet } = response;
    const key = keyOf(pair, packet.destQp);
    const flow = this.bound.get(key);
    const live = flow !== undefined && !flow.retired;
    if (live && flow.answers(packet)) {
      this.confirm(pair, key, flow, packet.destQp);
      this.deliver(flow, response);
      return;
    }
    const waiting = this.waiting.get(key);
    const tried = this.candidates(pair);
    let fitting = tried.filter((candidate) => candidate.answers(packet));
    if (fitting.length === 0) {
      if (live && flow.plausible(packet)) {
        this.deliver(flow, response);
        return;
      }
      fitting = tried.filter((one) => one.sourcePort === response.sourcePort && one.mayAnswerLost(packet));
    }
    const both =
      waiting === undefined ? fitting : waiting.candidates.filter((candidate) => fitting.includes(candidate));
    const candidates = byPort(both.length > 0 ? both : fitting, response.sourcePort);
    if (candidates.length === 1) {
      this.waiting.delete(key);
      this.confirm(pair, key, candidates[0], packet.destQp);
      for (const earlier of waiting?.kept ?? []) this.deliver(candidates[0], earlier);
      this.deliver(candidates[0], response);
      this.reconsider();
    } else {
      this.wait(pair, waiting, candidates, response);
    }
  }

  /** The capture is over: what still waits has no flow of its own. */
  finish(): void {
    for (const { kept } of this.waiting.values()) kept.forEach((response) => this.drop(response));
    this.waiting.clear();
  }

  private wait(
    pair: number,
    waiting: Waiting | undefined,
    candidates: readonly FlowTracker[],
    response: StreamPacket,
  ): void {
    if (candidates.length === 0 || (waiting === undefined && this.waiting.size >= MAX_WAITING)) {
      this.drop(response);
      return;
    }
    const requesterQpn = response.packet.destQp;
    const entry = waiting ?? { pair, requesterQpn, candidates, kept: [] };
    entry.candidates = candidates;
    entry.kept.push(response.keep(false));
    if (entry.kept.length > MAX_KEPT) this.drop(entry.kept.shift()!);
    this.waiting.set(keyOf(pair, requesterQpn), entry);
  }

  /** A flow has found its requester: others may have only one candidate left. */
  private reconsider(): void {
    if (this.waiting.size > MAX_RECONSIDERED) return;
    for (const [key, { pair, requesterQpn, candidates, kept }] of this.waiting) {
      const left = candidates.filter((flow) => !flow.confirmed && !flow.retired);
      if (left.length !== 1) continue;
      this.waiting.delete(key);
      this.confirm(pair, key, left[0], requesterQpn);
      for (const response of kept) this.deliver(left[0], response);
    }
  }

  /** Live flows between the two hosts whose requester is not known for certain, the latest. */
  private candidates(pair: number): readonly FlowTracker[] {
    return this.unbound.get(pair)?.slice(-MAX_TRIED) ?? [];
  }

  private confirm(pair: number, key: number, flow: FlowTracker, requesterQpn: number): void {
    if (flow.confirmed) return;
    const assumed = flow.facts.requesterQpn;
    if (assumed !== undefined && assumed !== requesterQpn) {
      const old = keyOf(pair, assumed);
      if (this.bound.get(old) === flow) this.bound.delete(old);
    }
    this.remove(pair, flow);
    flow.confirmed = true;
    flow.facts.requesterQpn = requesterQpn;
    this.bound.set(key, flow);
    this.onBound(pair, flow);
  }

  private drop(response: StreamPacket): void {
    this.skips.add('unmatched-response', response.frame, response.offset);
  }
}

/** The one candidate whose requests have this source port, if it is one; otherwise all. */
function byPort(candidates: readonly FlowTracker[], sourcePort: number): readonly FlowTracker[] {
  if (candidates.length < 2) return candidates;
  const same = candidates.filter((flow) => flow.sourcePort === sourcePort);
  return same.length === 1 ? same : candidates;
}

function keyOf(pair: number, qpn: number): number {
  return pair * 2 ** 24 + qpn;
}
