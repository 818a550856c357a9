import type { Operation } from './operation.js';

/** How the path MTU of a flow became known; `assumed`: nothing contradicts it, and nothing depends on it. */
export type PathMtuSource = 'cm' | 'packets' | 'psn' | 'assumed';

/**
 * One direction of one RC connection: the requests of one queue pair to another.
 *
 * The object is live while its capture is read: counts grow, and what responses show appears when they come.
 */
export interface Flow {
  /** Counts from 0 in order of appearance. */
  readonly id: number;
  readonly requester: string;
  readonly responder: string;
  readonly responderQpn: number;
  /** Inferred from responses or CM; undefined while neither has shown it. */
  readonly requesterQpn: number | undefined;
  /** 0 for the first connection that uses this responder queue pair number in the capture, 1 for the next, … */
  readonly connection: number;
  /** 256 … 4096. */
  readonly pathMtu: number;
  readonly pathMtuSource: PathMtuSource;
  /** PSN of the first packet, or the one CM announced. */
  readonly startPsn: number;
  /** Of its request packets. */
  readonly firstTimeNs: number;
  readonly lastTimeNs: number;
  readonly requestPackets: number;
  readonly responsePackets: number;
  /** Requests that were complete, by operation. */
  readonly requests: Readonly<Record<Operation, number>>;
  /** Requests whose end the capture does not show. */
  readonly incompleteRequests: number;
  /** Requests that carried more or less than they said; they are left out. */
  readonly contradictoryRequests: number;
  /** Bytes that complete SENDs, RDMA WRITEs and ATOMIC WRITEs carried. */
  readonly payloadBytes: number;
  /** Request packets with a PSN that the responder had accepted already. */
  readonly duplicates: number;
  /** Request packets ahead of the PSN that the responder expected; it drops them. */
  readonly outOfSequence: number;
  /** Request packets that the responder must have had and the capture does not hold. */
  readonly missingPackets: number;
  /** How often the reader had to step over such a gap. */
  readonly resynchronisations: number;
  readonly rnrNaks: number;
  readonly sequenceNaks: number;
  /** NAKs that put the queue pair in error. */
  readonly fatalNaks: number;
  /** Complete requests without a response in the capture. */
  readonly unanswered: number;
  /** When one side gave the connection up, as CM says; undefined while the capture does not show it. */
  readonly disconnected: Disconnection | undefined;
}

export interface Disconnection {
  readonly timeNs: number;
  readonly frame: number;
}

/** The {@link Flow} as its tracker keeps it. */
export class FlowFacts implements Flow {
  readonly id: number;
  readonly requester: string;
  readonly responder: string;
  readonly responderHost: number;
  readonly responderQpn: number;
  readonly connection: number;
  requesterQpn: number | undefined = undefined;
  pathMtu = 4096;
  pathMtuSource: PathMtuSource = 'assumed';
  startPsn: number;
  firstTimeNs: number;
  lastTimeNs: number;
  requestPackets = 0;
  responsePackets = 0;
  readonly requests: Record<Operation, number> = {
    SEND: 0,
    RDMA_WRITE: 0,
    RDMA_READ: 0,
    ATOMIC_CMP_AND_SWP: 0,
    ATOMIC_FETCH_AND_ADD: 0,
    FLUSH: 0,
    ATOMIC_WRITE: 0,
  };
  incompleteRequests = 0;
  contradictoryRequests = 0;
  payloadBytes = 0;
  duplicates = 0;
  outOfSequence = 0;
  missingPackets = 0;
  resynchronisations = 0;
  rnrNaks = 0;
  sequenceNaks = 0;
  fatalNaks = 0;
  unanswered = 0;
  disconnected: Disconnection | undefined = undefined;

  constructor(id: number, ends: FlowEnds, connection: number, startPsn: number, timeNs: number) {
    this.id = id;
    this.requester = ends.requester;
    this.responder = ends.responder;
    this.responderHost = ends.responderHost;
    this.responderQpn = ends.responderQpn;
    this.connection = connection;
    this.startPsn = startPsn;
    this.firstTimeNs = timeNs;
    this.lastTimeNs = timeNs;
  }
}

interface FlowEnds {
  readonly requester: string;
  readonly responder: string;
  /** Number of the responder in the host table. */
  readonly responderHost: number;
  readonly responderQpn: number;
}
