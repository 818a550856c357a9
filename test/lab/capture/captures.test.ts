import { readRequests, scanCapture } from '../../../src/lab/capture/index.js';
import type { CaptureSummary, Flow, RemoteKey, VaRange } from '../../../src/lab/capture/index.js';
import { captureNames, capturePath, oracleOf } from './support/real-captures.js';
import type { OracleKey } from './support/real-captures.js';

const PAGE = 4096n;

function pages(ranges: readonly VaRange[]): number {
  return Number(ranges.reduce((sum, { start, end }) => sum + (end - start) / PAGE, 0n));
}

function microseconds(ns: number): number {
  return Math.round(ns / 1000);
}

function withoutZeros(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function messagesOf({ requests }: Flow): Record<string, number> {
  return withoutZeros({
    send: requests.SEND,
    write: requests.RDMA_WRITE,
    read: requests.RDMA_READ,
    atomic: requests.ATOMIC_CMP_AND_SWP + requests.ATOMIC_FETCH_AND_ADD,
  });
}

function totalMessages(summary: CaptureSummary): Record<string, number> {
  const total: Record<string, number> = { send: 0, write: 0, read: 0, atomic: 0, flush: 0 };
  for (const flow of summary.flows) {
    for (const [kind, count] of Object.entries(messagesOf(flow))) total[kind] += count;
    total.flush += flow.requests.FLUSH;
  }
  return withoutZeros(total);
}

/** A key as the oracle describes it; its last use is the beginning of the last request, ours the end. */
function describeKey(key: RemoteKey): Omit<OracleKey, 'lastUs'> {
  return {
    owner: key.owner,
    rkey: `0x${key.rKey.toString(16)}`,
    minVa: `0x${key.minAddress.toString(16)}`,
    maxVa: `0x${key.maxAddress.toString(16)}`,
    writes: key.writes,
    bytesWritten: key.bytesWritten,
    reads: key.reads,
    bytesRead: key.bytesRead,
    atomics: key.atomics,
    flushes: key.flushes,
    pagesWritten: pages(key.written),
    pagesRead: pages(key.read),
    qpns: [...key.responderQpns].sort((a, b) => a - b),
    firstUs: microseconds(key.firstUseNs),
  };
}

/** The oracle lists rkeys of empty WRITEs too, which no responder looks at. */
function touchesMemory(key: OracleKey): boolean {
  return key.bytesWritten + key.bytesRead + key.atomics + key.flushes > 0;
}

it('there are seventeen captures', () => {
  expect(captureNames).toHaveLength(17);
});

describe.each(captureNames)('the capture %s', (name) => {
  const oracle = oracleOf(name);
  const summary = scanCapture(capturePath(name));

  it('is read to its end', () => {
    expect(summary).toMatchObject({
      format: 'pcap',
      linkTypes: [1],
      damage: undefined,
      bytes: oracle.fileBytes,
      frames: oracle.packets,
      packets: oracle.packets,
      wireBytes: oracle.wireBytes,
      truncatedFrames: oracle.truncatedFrames,
      backwardStamps: 0,
    });
    expect(microseconds(summary.durationNs)).toBe(oracle.durationUs);
    expect(Math.round(summary.startSeconds * 1e6)).toBe(oracle.startUs);
  });

  it('has the right ICRC in every packet, rxe FLUSH by its own rule', () => {
    expect(summary.icrc).toEqual({ ...oracle.icrc, unchecked: 0 });
  });

  it('has the same packets by opcode', () => {
    expect(Object.fromEntries(summary.opcodes.map(({ name: opcode, packets }) => [opcode, packets]))).toEqual(
      oracle.opcodes,
    );
  });

  it('has the same requests, duplicates, out-of-sequence packets and NAKs', () => {
    expect(totalMessages(summary)).toEqual(oracle.messages);
    expect(summary).toMatchObject({
      duplicates: oracle.duplicates,
      outOfSequence: oracle.outOfSequence,
      missingPackets: 0,
      rnrNaks: oracle.rnrNaks,
      sequenceNaks: oracle.sequenceNaks,
      fatalNaks: 0,
    });
    expect(summary.operations.every(({ incomplete }) => incomplete === 0)).toBe(true);
  });

  it('leaves out nothing but connection management', () => {
    const cm = oracle.opcodes['UD SEND Only'] ?? 0;
    expect(summary.skips.map(({ reason, count }) => [reason, count])).toEqual(cm > 0 ? [['cm', cm]] : []);
  });

  it('has the same queue pairs, each with its requester', () => {
    const ours = summary.flows.map((flow) => ({
      requester: flow.requester,
      responder: flow.responder,
      responderQpn: flow.responderQpn,
      requesterQpn: flow.requesterQpn,
      requestPackets: flow.requestPackets,
      duplicates: flow.duplicates,
      outOfSequence: flow.outOfSequence,
      rnrNaks: flow.rnrNaks,
      messages: messagesOf(flow),
      payloadBytes: flow.payloadBytes,
      startPsn: flow.startPsn,
      firstUs: microseconds(flow.firstTimeNs),
      lastUs: microseconds(flow.lastTimeNs),
    }));
    expect(ours).toHaveLength(oracle.queuePairs.length);
    expect(ours).toEqual(expect.arrayContaining([...oracle.queuePairs]));
    expect(summary.flows.every(({ connection }) => connection === 0)).toBe(true);
  });

  it('reaches the same memory under the same rkeys', () => {
    const byName = (a: { owner: string; rkey: string }, b: { owner: string; rkey: string }): number =>
      `${a.owner} ${a.rkey}` < `${b.owner} ${b.rkey}` ? -1 : 1;
    const expected = oracle.remoteMemory.filter(touchesMemory).map((key) => ({ ...key, lastUs: undefined }));
    expect(summary.remoteMemory.map(describeKey).sort(byName)).toEqual(expected.sort(byName));
    expect(summary.remoteMemory.every(({ approximate }) => !approximate)).toBe(true);
  });

  it('ends the rkeys that a SEND with Invalidate names', () => {
    const ended = summary.remoteMemory.filter(({ end }) => end.how === 'invalidated');
    expect(ended).toHaveLength(oracle.sendsWithInvalidate);
  });

  it('answers every request whose response it holds', () => {
    const responses = summary.flows.reduce((sum, flow) => sum + flow.responsePackets, 0);
    const carried = summary.opcodes.filter(({ opcode }) => opcode >= 0x0d && opcode <= 0x12);
    expect(responses).toBe(carried.reduce((sum, { packets }) => sum + packets, 0));
    for (const { operation, requests, completions, errors, latency } of summary.operations) {
      expect(errors).toBe(0);
      expect(latency?.count).toBe(completions);
      // One QEMU SEND and one rsockets WRITE were the last of their connections: their ACKs are not in the files.
      const last = (name.startsWith('qemu') && operation === 'SEND') || name.startsWith('rsockets') ? 1 : 0;
      expect(completions).toBe(requests - last);
    }
  });

  it('yields the same requests in order, with all their bytes', () => {
    const problems: string[] = [];
    const check = (holds: boolean, what: string): void => {
      if (!holds) problems.push(what);
    };
    let requests = 0;
    let completions = 0;
    let carried = 0;
    let immediates = 0;
    let latest = 0;
    for (const event of readRequests(capturePath(name))) {
      const { timeNs } = event.kind === 'request' ? event.request : event.completion;
      check(timeNs >= latest, `${event.kind} at ${timeNs} after ${latest}`);
      latest = timeNs;
      if (event.kind === 'completion') {
        check(event.completion.requestIndex < requests, `completion before request ${event.completion.requestIndex}`);
        completions++;
        continue;
      }
      const { index, operation, length, payload, payloadMissing, complete, immediate } = event.request;
      const carries = operation === 'SEND' || operation === 'RDMA_WRITE';
      check(index === requests++, `index ${index}`);
      check(complete && payloadMissing === 0, `request ${index} lacks bytes`);
      check(
        payload?.length === (carries ? length : undefined),
        `request ${index} has ${payload?.length} of ${length} bytes`,
      );
      if (carries) carried += length;
      if (immediate !== undefined) immediates++;
    }
    expect(problems).toEqual([]);
    expect(requests).toBe(summary.operations.reduce((sum, operation) => sum + operation.requests, 0));
    expect(completions).toBe(summary.operations.reduce((sum, operation) => sum + operation.completions, 0));
    expect(carried).toBe(oracle.queuePairs.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0));
    expect(immediates).toBe(oracle.immediates);
  });
});
