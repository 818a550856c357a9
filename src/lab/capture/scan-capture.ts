import { opcodeName } from '../../../devices/nic/wire/index.js';
import { OPERATIONS } from './flows/index.js';
import type { FlowFacts, Operation } from './flows/index.js';
import { RequestStream } from './request-stream.js';
import type { CaptureOptions } from './request-stream.js';
import { OperationCounts, RemoteMemory, Silences } from './summary/index.js';
import type { CaptureSummary, Silence } from './summary/index.js';

/**
 * Reads a capture, without keeping payloads, and says what is in it. That takes one pass; a second one if requests were
 * refused, because what they asked for says nothing about the memory that there is.
 * @throws CaptureError when the file cannot be read or is not a capture. Damage further on is part of the summary.
 */
export function scanCapture(path: string, options: CaptureOptions = {}): CaptureSummary {
  const first = scan(path, options, new Set());
  return first.refused.size === 0 ? first : scan(path, options, first.refused);
}

/** @param refused requests whose memory does not count, by index */
function scan(path: string, options: CaptureOptions, refused: ReadonlySet<number>): CaptureSummary {
  const stream = new RequestStream(path, { ...options, payloads: false });
  try {
    const memory = new RemoteMemory();
    const operations = new Map<Operation, OperationCounts>(OPERATIONS.map((name) => [name, new OperationCounts()]));
    const silences = new Silences();
    const errors = new Set<number>();
    for (let record = stream.next(); record !== undefined; record = stream.next()) {
      if (record.kind === 'request') {
        operations.get(record.operation)!.note(record);
        silences.note(record.timeNs);
        if (!refused.has(record.index)) memory.note(record);
      } else {
        operations.get(record.request.operation)!.noteEnd(record);
        if (record.status !== 'IBV_WC_SUCCESS') errors.add(record.request.index);
      }
    }
    return summarise(stream, memory, operations, errors, silences.list);
  } finally {
    stream.close();
  }
}

function summarise(
  stream: RequestStream,
  memory: RemoteMemory,
  operations: ReadonlyMap<Operation, OperationCounts>,
  refused: ReadonlySet<number>,
  silences: readonly Silence[],
): CaptureSummary {
  const { reader, table } = stream;
  const { file } = reader;
  const total = (count: (flow: FlowFacts) => number): number => table.flows.reduce((sum, flow) => sum + count(flow), 0);
  return {
    path: file.path,
    format: file.format,
    linkTypes: [...file.linkTypes],
    bytes: file.totalBytes,
    damage: file.damage,
    frames: reader.frames,
    truncatedFrames: reader.truncatedFrames,
    wireBytes: reader.wireBytes,
    backwardStamps: file.clock.backwardSteps,
    startSeconds: file.clock.epochSeconds,
    start: file.clock.iso,
    silences,
    durationNs: file.frame.timeNs,
    packets: reader.packets,
    icrc: { ...reader.icrc },
    opcodes: [...reader.opcodes]
      .map((packets, opcode) => ({ opcode, name: opcodeName(opcode), packets }))
      .filter(({ packets }) => packets > 0),
    hosts: table.hosts.hosts,
    flows: table.flows,
    operations: [...operations]
      .map(([name, counts]) => counts.summary(name))
      .filter(({ requests, incomplete }) => requests + incomplete > 0),
    duplicates: total((flow) => flow.duplicates),
    outOfSequence: total((flow) => flow.outOfSequence),
    missingPackets: total((flow) => flow.missingPackets),
    rnrNaks: total((flow) => flow.rnrNaks),
    sequenceNaks: total((flow) => flow.sequenceNaks),
    fatalNaks: total((flow) => flow.fatalNaks),
    unanswered: total((flow) => flow.unanswered),
    remoteMemory: memory.list(table.regions),
    omittedRequests: memory.omittedRequests,
    refused,
    skips: reader.skips.list(),
  };
}
