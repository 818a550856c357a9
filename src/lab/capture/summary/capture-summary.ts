import type { CaptureDamage } from '../file/index.js';
import type { Flow, Operation } from '../flows/index.js';
import type { HostCounts, IcrcCounts, Skip } from '../packets/index.js';
import type { LatencySummary } from './latency-sample.js';
import type { RemoteKey } from './remote-memory.js';
import type { Silence } from './silences.js';

/** What there is of one operation. */
export interface OperationSummary {
  readonly operation: Operation;
  /** Complete requests. */
  readonly requests: number;
  /** Requests whose end the capture does not show. */
  readonly incomplete: number;
  /** Bytes that the complete ones moved, in either direction; none for FLUSH. */
  readonly bytes: number;
  /** Requests whose response the capture shows. */
  readonly completions: number;
  /** Of these, the ones that ended in an error. */
  readonly errors: number;
  /** RNR NAKs that they met. */
  readonly rnrNaks: number;
  /** Of the successful ones; undefined when there is none. */
  readonly latency: LatencySummary | undefined;
}

/** What one pass over a capture shows. */
export interface CaptureSummary {
  readonly path: string;
  readonly format: 'pcap' | 'pcapng';
  readonly linkTypes: readonly number[];
  /** Size of the file. */
  readonly bytes: number;
  /** Why reading ended before the end of the file; undefined when it did not. */
  readonly damage: CaptureDamage | undefined;
  readonly frames: number;
  /** Frames that the capture cut short (snaplen). */
  readonly truncatedFrames: number;
  /** Bytes of the frames as they were on the wire. */
  readonly wireBytes: number;
  /** Frames whose stamp was earlier than that of the frame before. */
  readonly backwardStamps: number;
  /** Stamp of the first frame: seconds since 1970, and ISO 8601 where the frames have stamps. */
  readonly startSeconds: number;
  readonly start: string | undefined;
  /** Stretches of more than a minute without a request. */
  readonly silences: readonly Silence[];
  /** From the first frame to the last. */
  readonly durationNs: number;
  /** RoCEv2 packets of whatever transport. */
  readonly packets: number;
  readonly icrc: Readonly<IcrcCounts>;
  /** Opcodes that occur, ascending. */
  readonly opcodes: readonly { readonly opcode: number; readonly name: string; readonly packets: number }[];
  readonly hosts: readonly Readonly<HostCounts>[];
  readonly flows: readonly Flow[];
  /** Operations that occur. */
  readonly operations: readonly OperationSummary[];
  /** Sums over all flows, see {@link Flow}. */
  readonly duplicates: number;
  readonly outOfSequence: number;
  readonly missingPackets: number;
  readonly rnrNaks: number;
  readonly sequenceNaks: number;
  readonly fatalNaks: number;
  readonly unanswered: number;
  /** By first use. */
  readonly remoteMemory: readonly RemoteKey[];
  /** Requests that ended in an error, by their index: the responder did not do what they asked. */
  readonly refused: ReadonlySet<number>;
  /** Requests to rkeys for which {@link remoteMemory} had no room. */
  readonly omittedRequests: number;
  readonly skips: readonly Skip[];
}
