import { NakCode, nakSyndrome, Opcode, rnrNakSyndrome } from '../../../../devices/nic/wire/index.js';
import { data, Traffic } from '../support/traffic.js';

const MTU = 1024;
const SEQUENCE_NAK = nakSyndrome(NakCode.PSN_SEQUENCE_ERROR);
const RNR_12 = rnrNakSyndrome(12);

describe('a responder that accepts in order', () => {
  it('goes on from PSN 0xffffff to 0', () => {
    const traffic = new Traffic().write(0xfffffe, 0x1000n, data(4096), MTU).ack(1).send(2, data(5)).ack(2);
    const { requests, completions } = traffic.events();
    expect(requests.map(({ complete, length }) => [complete, length])).toEqual([
      [true, 4096],
      [true, 5],
    ]);
    expect(completions).toHaveLength(2);
    expect(traffic.scan()).toMatchObject({ duplicates: 0, outOfSequence: 0, missingPackets: 0 });
  });

  it('drops what it has already', () => {
    const traffic = new Traffic().write(5, 0x1000n, data(3000), MTU).write(5, 0x1000n, data(3000), MTU).ack(7);
    expect(traffic.events().requests).toHaveLength(1);
    expect(traffic.scan()).toMatchObject({ duplicates: 3, outOfSequence: 0 });
  });

  it('drops the part of a READ that it is asked for again', () => {
    const traffic = new Traffic().read(5, 0x1000n, 4096).readResponse(5, data(4096).subarray(0, 2048), MTU);
    traffic.read(7, 0x1800n, 2048).readResponse(7, data(2048), MTU).send(9, data(1)).ack(9);
    const summary = traffic.scan();
    expect(
      summary.operations.map(({ operation, requests, completions }) => [operation, requests, completions]),
    ).toEqual([
      ['SEND', 1, 1],
      ['RDMA_READ', 1, 1],
    ]);
    expect(summary).toMatchObject({ duplicates: 1, missingPackets: 0 });
  });

  it('drops what is ahead, until go-back-N brings the lost packet', () => {
    const traffic = new Traffic().write(1, 0x1000n, data(4096), MTU, 5, [1]).ack(2, SEQUENCE_NAK);
    traffic.request(Opcode.RC_RDMA_WRITE_MIDDLE, 2, { payload: data(4096).subarray(1024, 2048) });
    traffic.request(Opcode.RC_RDMA_WRITE_MIDDLE, 3, { payload: data(4096).subarray(2048, 3072) });
    traffic.request(Opcode.RC_RDMA_WRITE_LAST, 4, { payload: data(4096).subarray(3072) }).ack(4);
    const { requests, completions } = traffic.events();
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ complete: true, payloadMissing: 0, frame: 1 });
    expect(requests[0].payload).toEqual(data(4096));
    expect(completions).toMatchObject([{ status: 'IBV_WC_SUCCESS', frame: 8 }]);
    expect(traffic.scan()).toMatchObject({ outOfSequence: 2, duplicates: 0, missingPackets: 0, sequenceNaks: 1 });
  });

  it('refuses with RNR NAK, drops what was in flight, and takes it when it comes again: one request, not two', () => {
    const traffic = new Traffic().send(1, data(10)).send(2, data(20)).ack(1, RNR_12).send(3, data(30));
    traffic.pause(640_000).send(1, data(10)).send(2, data(20)).send(3, data(30)).ack(3);
    const { requests, completions } = traffic.events();
    expect(requests.map(({ frame, length }) => [frame, length])).toEqual([
      [1, 10],
      [2, 20],
      [7, 30],
    ]);
    expect(completions.map(({ rnrNaks, rttNs }) => [rnrNaks, rttNs])).toEqual([
      [1, 710_000],
      [0, 700_000],
      [0, 10_000],
    ]);
    expect(traffic.scan()).toMatchObject({ rnrNaks: 1, duplicates: 0, outOfSequence: 1 });
  });

  it('has nothing from the PSN of a sequence NAK on, even where the capture saw it pass', () => {
    const traffic = new Traffic().send(1, data(10)).send(2, data(20)).send(3, data(30)).ack(2, SEQUENCE_NAK);
    traffic.send(2, data(20)).send(3, data(30)).ack(3);
    expect(traffic.events().requests.map(({ frame }) => frame)).toEqual([1, 2, 3]);
    expect(traffic.scan()).toMatchObject({ duplicates: 0, outOfSequence: 0, missingPackets: 0 });
  });
});

describe('a capture that lost frames', () => {
  it('steps over them when a response proves that the responder had them', () => {
    const traffic = new Traffic()
      .send(1, data(10))
      .ack(1)
      .send(3, data(30))
      .send(4, data(40))
      .ack(4)
      .send(5, data(50))
      .ack(5);
    const { requests, completions } = traffic.events();
    expect(requests.map(({ length }) => length)).toEqual([10, 30, 40, 50]);
    expect(completions).toHaveLength(4);
    expect(traffic.scan()).toMatchObject({ missingPackets: 1, outOfSequence: 0, duplicates: 0 });
    expect(traffic.scan().flows[0]).toMatchObject({ resynchronisations: 1 });
  });

  it('saves a WRITE whose RETH it has: zeros in the hole, and how many', () => {
    const traffic = new Traffic().write(1, 0x1000n, data(4096), MTU, 5, [1, 2]).ack(4);
    const [request] = traffic.events().requests;
    expect(request).toMatchObject({ complete: true, length: 4096, payloadMissing: 2048 });
    const expected = data(4096).fill(0, 1024, 3072);
    expect(request.payload).toEqual(expected);
    expect(traffic.scan()).toMatchObject({ missingPackets: 2, outOfSequence: 0 });
  });

  it('saves a WRITE that lacks its end, as far as it has it', () => {
    const traffic = new Traffic().write(1, 0x1000n, data(4096), MTU, 5, [2, 3]).ack(4).send(5, data(5)).ack(5);
    const [write, send] = traffic.events().requests;
    expect(write).toMatchObject({ complete: true, length: 4096, payloadMissing: 2048 });
    expect(write.payload).toEqual(data(2048).map((_, i) => data(4096)[i]));
    expect(send).toMatchObject({ operation: 'SEND', complete: true });
  });

  it('cannot save a SEND with a hole, whose length no header tells', () => {
    const traffic = new Traffic().send(1, data(4096), MTU, [1]).ack(4).send(5, data(5)).ack(5);
    const { requests } = traffic.events();
    expect(requests.map(({ complete, length }) => [complete, length])).toEqual([
      [false, 1024],
      [true, 5],
    ]);
    expect(traffic.scan().skips).toMatchObject([{ reason: 'inside-message', count: 2 }]);
    expect(traffic.scan().flows[0]).toMatchObject({ incompleteRequests: 1 });
  });

  it('leaves alone a message of which it has only the end', () => {
    const traffic = new Traffic()
      .send(1, data(1))
      .ack(1)
      .write(2, 0x1000n, data(3000), MTU, 5, [0])
      .ack(4)
      .send(5, data(5))
      .ack(5);
    expect(traffic.events().requests.map(({ length }) => length)).toEqual([1, 5]);
  });

  it('does not fill a hole of megabytes behind two small packets', () => {
    const traffic = new Traffic().request(Opcode.RC_RDMA_WRITE_FIRST, 0, {
      va: 0n,
      dmaLength: 2 ** 31,
      payload: data(4096),
    });
    traffic.request(Opcode.RC_RDMA_WRITE_MIDDLE, 60_000, { payload: data(4096) }).ack(60_000);
    const [request] = traffic.events().requests;
    expect(request).toMatchObject({ complete: false, payloadMissing: 2 ** 31 - 4096 });
    expect(request.payload).toHaveLength(4096);
  });

  it('without any responses takes a gap for loss at its end', () => {
    const traffic = new Traffic().send(1, data(10)).send(3, data(30)).send(4, data(40));
    expect(traffic.events().requests.map(({ length }) => length)).toEqual([10, 30, 40]);
    expect(traffic.scan()).toMatchObject({ missingPackets: 1, outOfSequence: 0 });
  });

  it('without any responses waits no longer than 1024 packets', () => {
    const traffic = new Traffic().send(1, data(10));
    for (let psn = 3; psn < 3 + 1500; psn++) traffic.send(psn, data(4));
    traffic.send(0x20_0000, data(1), MTU);
    expect(traffic.events().requests.filter(({ length }) => length === 4)).toHaveLength(1500);
    expect(traffic.scan()).toMatchObject({ missingPackets: 1, outOfSequence: 0 });
  });

  it('with responses does not take what was never acknowledged for accepted', () => {
    const traffic = new Traffic().send(1, data(10)).ack(1).send(3, data(30)).send(4, data(40));
    expect(traffic.events().requests.map(({ length }) => length)).toEqual([10]);
    expect(traffic.scan()).toMatchObject({ missingPackets: 0, outOfSequence: 2 });
  });
});

describe('a capture whose frames are out of order', () => {
  it('takes a response just before its request for what it is', () => {
    const traffic = new Traffic().send(1, data(10)).ack(1).ack(2).send(2, data(20)).send(3, data(30)).ack(3);
    const { requests, completions } = traffic.events();
    expect(requests.map(({ length }) => length)).toEqual([10, 20, 30]);
    expect(completions.map(({ requestIndex, rttNs }) => [requestIndex, rttNs])).toEqual([
      [0, 10_000],
      [1, 0],
      [2, 10_000],
    ]);
    expect(traffic.scan()).toMatchObject({ missingPackets: 0, outOfSequence: 0, duplicates: 0 });
  });

  it.each([
    ['with responses', true],
    ['without', false],
  ])('puts swapped packets in order, %s', (_, responses) => {
    const traffic = new Traffic().send(1, data(10)).send(3, data(30)).send(2, data(20)).send(4, data(40));
    if (responses) traffic.ack(4);
    traffic.send(5, data(50));
    expect(
      traffic
        .events()
        .requests.map(({ length }) => length)
        .sort(),
    ).toEqual([10, 20, 30, 40, 50]);
    expect(traffic.scan()).toMatchObject({ missingPackets: 0, outOfSequence: 0, duplicates: 0 });
  });

  it('finds the beginning of a flow behind its second packet', () => {
    const traffic = new Traffic().send(2, data(20)).send(1, data(10)).send(3, data(30)).ack(3);
    expect(traffic.events().requests.map(({ length }) => length)).toEqual([20, 10, 30]);
    expect(traffic.scan().flows).toHaveLength(1);
  });

  it('never makes one message of pieces that do not follow each other', () => {
    const traffic = new Traffic().request(Opcode.RC_SEND_MIDDLE, 2, { payload: data(MTU, 2) });
    traffic.request(Opcode.RC_SEND_FIRST, 1, { payload: data(MTU, 1) });
    traffic.request(Opcode.RC_SEND_LAST, 3, { payload: data(10, 3) }).ack(3);
    const { requests } = traffic.events();
    expect(requests.every(({ complete }) => !complete)).toBe(true);
  });
});

describe('a capture that starts late', () => {
  it('in the middle of a message begins with the next', () => {
    const traffic = new Traffic().write(1, 0x1000n, data(4096), MTU, 5, [0]).ack(4).send(5, data(5)).ack(5);
    expect(traffic.events().requests.map(({ operation }) => operation)).toEqual(['SEND']);
    expect(traffic.scan().skips).toEqual([
      { reason: 'inside-message', count: 3, firstFrame: 1, firstOffset: 24, detail: 'RC RDMA WRITE Middle' },
      expect.objectContaining({ reason: 'unmatched-response', count: 1 }),
    ]);
  });

  it('among packets that the responder drops goes back with the requester', () => {
    const traffic = new Traffic().send(105, data(5)).send(106, data(6)).ack(103, SEQUENCE_NAK);
    traffic.send(103, data(3)).send(104, data(4)).send(105, data(5)).send(106, data(6)).ack(106);
    expect(
      traffic
        .events()
        .requests.map(({ length }) => length)
        .sort(),
    ).toEqual([3, 4, 5, 6]);
    expect(traffic.scan().flows).toMatchObject([{ duplicates: 0, missingPackets: 0 }]);
  });

  it('among responses to what came before leaves them out', () => {
    const traffic = new Traffic().ack(1).ack(2).send(3, data(3)).ack(3);
    expect(traffic.scan().skips).toMatchObject([{ reason: 'unmatched-response', count: 2, firstFrame: 1 }]);
    expect(traffic.events().completions).toHaveLength(1);
  });
});
