import fc from 'fast-check';
import { Opcode } from '../../../devices/nic/wire/index.js';
import { CaptureError, readRequests, scanCapture } from '../../../src/lab/capture/index.js';
import type { CapturedRequest } from '../../../src/lab/capture/index.js';
import { pcapBytes, pcapFile } from './support/capture-writer.js';
import type { Record } from './support/capture-writer.js';
import { captureBytes } from './support/real-captures.js';
import { temporaryFile } from './support/temporary-file.js';
import { data, eventsOf, Traffic } from './support/traffic.js';

const MTU = 1024;

interface Operation {
  readonly kind: 'send' | 'write' | 'read' | 'atomic';
  readonly length: number;
  readonly qp: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('send', 'write', 'read', 'atomic'),
  length: fc.constantFrom(0, 1, 100, 1024, 1025, 3000, 5000),
  qp: fc.integer({ min: 0, max: 2 }),
});

/** What a list of operations looks like on the wire, each answered before the next begins on its queue pair. */
function recordsOf(operations: readonly Operation[]): Record[] {
  const qps = [0, 1, 2].map((i) => new Traffic(0x20 + i, 0x10 + i));
  // Around the wrap, and far enough from each other to tell their responses apart.
  const psns = [0xfffff0, 5000, 0x80_0000];
  let ns = 0;
  operations.forEach(({ kind, length, qp }, i) => {
    const traffic = qps[qp];
    const psn = psns[qp];
    const packets = kind === 'atomic' ? 1 : Math.max(1, Math.ceil(length / MTU));
    const next = (psn + packets) & 0xffffff;
    const last = (next - 1) & 0xffffff;
    traffic.ns = ns;
    if (kind === 'send') traffic.send(psn, data(length, i), MTU).ack(last);
    else if (kind === 'write') traffic.write(psn, 0x1000n, data(length, i), MTU).ack(last);
    else if (kind === 'read') traffic.read(psn, 0x1000n, length).readResponse(psn, data(length), MTU);
    else {
      traffic.request(Opcode.RC_FETCH_ADD, psn, { va: 8n, swapOrAdd: 1n });
      traffic.response(Opcode.RC_ATOMIC_ACKNOWLEDGE, psn, { syndrome: 0x1f });
    }
    psns[qp] = next;
    ns = traffic.ns;
  });
  return qps[0].merge(qps[1]).merge(qps[2]).records;
}

function essence({ operation: kind, length, remoteAddress, payload }: CapturedRequest): unknown[] {
  return [kind, length, remoteAddress, payload === null ? null : Buffer.from(payload).toString('hex')];
}

/** Requests by the record of their first frame. */
function byRecord(records: readonly Record[]): Map<Record, CapturedRequest> {
  return new Map(eventsOf(pcapFile(records)).requests.map((request) => [records[request.frame - 1], request]));
}

describe('a capture that lost any of its frames', () => {
  it.each([
    ['with responses', true],
    ['without responses', false],
  ])('never shows a request that was not there, nor bytes it did not have: %s', (_, responses) => {
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 14 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1 })),
        (operations, dice) => {
          const all = recordsOf(operations);
          const full = byRecord(all);
          expect(full.size).toBe(operations.length);
          const isResponse = ({ bytes }: Record): boolean => bytes[42] >= 0x0d && bytes[42] <= 0x12;
          const kept = all.filter((record) => (responses || !isResponse(record)) && (dice.next().value ?? 1) > 0.15);
          for (const [record, request] of byRecord(kept)) {
            const original = full.get(record);
            expect(original?.operation).toBe(request.operation);
            if (!request.complete) continue;
            expect(request.length).toBe(original!.length);
            if (request.payloadMissing === 0) expect(essence(request)).toEqual(essence(original!));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a capture that lost nothing but its responses', () => {
  it('shows every request', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 14 }), (operations) => {
        const all = recordsOf(operations);
        const requests = all.filter(({ bytes }) => bytes[42] < 0x0d || bytes[42] > 0x12);
        const expected = [...byRecord(all)].map(([record, request]) => [all.indexOf(record), essence(request)]);
        const ours = [...byRecord(requests)].map(([record, request]) => [all.indexOf(record), essence(request)]);
        expect(ours).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a capture with damage anywhere', () => {
  const names = ['qemu-rdma-migration-refused-k72-4096', 'rping-cm-pingpong-1024', 'odp-pingpong-read-atomic'];
  const captures = names.map((name) => captureBytes(name).subarray(0, 60_000));

  it('is read as far as it goes, or refused with a CaptureError; events keep their order', () => {
    const change = fc.tuple(fc.nat(59_999), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...captures),
        fc.array(change, { maxLength: 200 }),
        fc.nat(60_000),
        fc.constantFrom('check' as const, 'ignore' as const),
        (capture, changes, length, icrc) => {
          const bytes = Buffer.from(capture.subarray(0, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const path = temporaryFile(bytes, 'damaged.pcap');
          try {
            let requests = 0;
            for (const event of readRequests(path, { icrc })) {
              if (event.kind === 'completion') {
                expect(event.completion.requestIndex).toBeLessThan(requests);
                continue;
              }
              const { index, payload, length: bytesOf, payloadMissing, complete } = event.request;
              expect(index).toBe(requests++);
              expect(payload?.length ?? 0).toBeLessThanOrEqual(bytesOf);
              expect(payloadMissing).toBeGreaterThanOrEqual(0);
              if (complete && payload !== null) expect(payload.length + payloadMissing).toBeGreaterThanOrEqual(bytesOf);
            }
            const summary = scanCapture(path, { icrc });
            expect(summary.operations.reduce((sum, one) => sum + one.requests + one.incomplete, 0)).toBe(requests);
          } catch (error) {
            if (!(error instanceof CaptureError)) throw error;
            expect(error.message.startsWith(`${path}: `)).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('a capture made to do harm', () => {
  const frame = new Traffic().send(0, data(4)).records[0].bytes;
  const write = new Traffic().write(0, 0n, data(256)).records[0].bytes;

  /** `count` copies of a frame, each changed; the ICRC is not looked at. */
  function many(from: Uint8Array, count: number, change: (bytes: Buffer, i: number) => void): string {
    const records = Array.from({ length: count }, (_, i) => {
      const bytes = Buffer.from(from);
      change(bytes, i);
      return { ns: i, bytes };
    });
    return temporaryFile(pcapBytes(records), 'hostile.pcap');
  }

  const scramble = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;

  it('by a new queue pair in every frame: the reader stops at 65,536 and says so', () => {
    const path = many(frame, 70_000, (bytes, i) => bytes.writeUIntBE(scramble(i) >>> 8, 47, 3));
    const summary = scanCapture(path, { icrc: 'ignore' });
    expect(summary.flows.length).toBe(65_536);
    expect(summary.skips.find(({ reason }) => reason === 'too-many-flows')?.count).toBeGreaterThan(4000);
  });

  it('by a gap in front of every packet: it is read in time', () => {
    const path = many(frame, 50_000, (bytes, i) => bytes.writeUIntBE((2 * i) & 0xffffff, 51, 3));
    expect(scanCapture(path, { icrc: 'ignore' })).toMatchObject({
      missingPackets: 49_999,
      operations: [{ requests: 50_000 }],
    });
  });

  it('by random PSNs: no packet makes a connection by itself', () => {
    const path = many(frame, 20_000, (bytes, i) => bytes.writeUIntBE(scramble(i) >>> 8, 51, 3));
    const summary = scanCapture(path, { icrc: 'ignore' });
    expect(summary.flows.length).toBeLessThan(2000);
    expect(summary.skips.find(({ reason }) => reason === 'stray-psn')?.count).toBeGreaterThan(10_000);
  });

  it('by WRITEs all over the address space: ranges stay few', () => {
    const path = many(write, 150_000, (bytes, i) => {
      bytes.writeUIntBE(i & 0xffffff, 51, 3);
      bytes.writeUInt32BE(scramble(i), 54);
    });
    const [key] = scanCapture(path, { icrc: 'ignore' }).remoteMemory;
    expect(key).toMatchObject({ writes: 150_000, approximate: true });
    expect(key.written.length).toBeLessThanOrEqual(65_536);
  });
});
