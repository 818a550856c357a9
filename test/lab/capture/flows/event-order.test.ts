import { Opcode } from '../../../../devices/nic/wire/index.js';
import { readRequests } from '../../../../src/lab/capture/index.js';
import { pcapFile } from '../support/capture-writer.js';
import { capturePath } from '../support/real-captures.js';
import { data, Traffic } from '../support/traffic.js';

describe('the order of events', () => {
  it('is that of first packets, although a long message ends later than a short one that began after it', () => {
    const long = new Traffic(0x21, 0x11);
    long.stepNs = 100_000;
    long.write(1, 0x1000n, data(5000), 1024).ack(5);
    const short = new Traffic(0x22, 0x12).pause(150_000).send(1, data(5)).ack(1);
    const kinds = [...readRequests(long.merge(short).file())].map((event) =>
      event.kind === 'request' ? event.request.operation : event.completion.requestIndex,
    );
    expect(kinds).toEqual(['RDMA_WRITE', 'SEND', 1, 0]);
  });

  it('is lazy: the first request comes before the rest of the file is read', () => {
    const progress: number[] = [];
    const reader = readRequests(capturePath('odp-write-ext4file-q4-4096'), {
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(reader.next().value).toMatchObject({ kind: 'request', request: { index: 0 } });
    expect(progress).toEqual([]);
    reader.return({ frames: 0, packets: 0, requests: 0, skips: [], damage: undefined });
  });

  it('does not wait for ever for a message that stays open: it leaves incomplete, and the rest goes on', () => {
    const traffic = new Traffic(0x21, 0x11);
    traffic.request(Opcode.RC_RDMA_WRITE_FIRST, 1, { va: 0n, dmaLength: 5000, payload: data(1024) }, 0x99);
    const [open, ...rest] = traffic.records;
    const send = new Traffic().send(0, data(4)).records[0];
    // One valid frame over and over is a stream of duplicates; different PSNs need different ICRCs, hence `ignore`.
    for (let psn = 0; psn < 70_000; psn++) {
      const bytes = Uint8Array.from(send.bytes);
      bytes.set([psn >>> 16, psn >>> 8, psn], 14 + 20 + 8 + 9);
      rest.push({ ns: psn + 1, bytes });
    }
    const reader = readRequests(pcapFile([open, ...rest]), { icrc: 'ignore' });
    expect(reader.next().value).toMatchObject({ request: { index: 0, operation: 'RDMA_WRITE', complete: false } });
    let requests = 1;
    let step = reader.next();
    for (; step.done !== true; step = reader.next()) requests++;
    expect(requests).toBe(70_001);
    expect(step.value).toMatchObject({ frames: 70_001, requests: 70_001 });
  });

  it('tells at the end what was left out and how far the file was read', () => {
    const traffic = new Traffic().send(1, data(4));
    const bytes = traffic.frame(new Uint8Array(60)).records;
    const reader = readRequests(pcapFile(bytes));
    let step = reader.next();
    while (step.done !== true) step = reader.next();
    expect(step.value).toMatchObject({
      frames: 2,
      packets: 1,
      requests: 1,
      skips: [{ reason: 'not-ip' }],
      damage: undefined,
    });
  });
});

describe('progress', () => {
  it('is told about once per MiB, and at the end', () => {
    const seen: [number, number][] = [];
    for (const event of readRequests(capturePath('odp-write-ext4file-q4-4096'), {
      onProgress: (...at) => seen.push(at),
    })) {
      expect(event.kind).toMatch(/request|completion/);
    }
    expect(seen).toHaveLength(5);
    expect(seen.every(([read], i) => i === 0 || read > seen[i - 1][0])).toBe(true);
    expect(seen.at(-1)).toEqual([4_310_872, 4_310_872]);
  });
});
