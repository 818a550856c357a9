import { opcodeName } from '../../../devices/nic/wire/index.js';
import { OPERATIONS } from './flows/index.js';
import type { FlowFacts, Operation } from './flows/index.js';
import { RequestStream } from './request-stream.js';
import type { CaptureOptions } from './request-stream.js';
import { OperationCounts, RemoteMemory } from './summary/index.js';
import type { CaptureSummary } from './summary/index.js';

/**
 * Reads a capture once, without keeping payloads, and says what is in it.
 * @throws CaptureError when the file cannot be read or is not a capture. Damage further on is part of the summary.
 */
export function scanCapture(path: string, options: CaptureOptions = {}): CaptureSummary {
  const stream = new RequestStream(path, { ...options, payloads: false });
  try {
    const memory = new RemoteMemory();
    const operations = new Map<Operation, OperationCounts>(OPERATIONS.map((name) => [name, new OperationCounts()]));
    for (let record = stream.next(); record !== undefined; record = stream.next()) {
      if (record.kind === 'request') {
        operations.get(record.operation)!.note(record);
        memory.note(record);
      } else {
        operations.get(record.request.operation)!.noteEnd(record);
      }
    }
    return summarise(stream, memory, operations);
  } finally {
    stream.close();
  }
}

function summarise(
  stream: RequestStream,
  memory: RemoteMemory,
  operations: ReadonlyMap<Operation, OperationCounts>,
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
    remoteMemory: memory.list(),
    omittedRequests: memory.omittedRequests,
    skips: reader.skips.list(),
  };
}
