import { NakCode, nakSyndrome, Opcode, rnrNakSyndrome } from '../../../../devices/nic/wire/index.js';
import { data, Traffic } from '../support/traffic.js';

const MTU = 1024;

describe('a response', () => {
  it('ACK ends every SEND and WRITE up to its PSN', () => {
    const traffic = new Traffic().send(1, data(10)).write(2, 0x1000n, data(3000), MTU).send(5, data(10)).ack(4);
    expect(traffic.events().completions).toEqual([
      {
        requestIndex: 0,
        frame: 6,
        timeNs: 50_000,
        status: 'IBV_WC_SUCCESS',
        rttNs: 50_000,
        rnrNaks: 0,
        originalData: undefined,
      },
      expect.objectContaining({ requestIndex: 1, rttNs: 40_000 }),
    ]);
    expect(traffic.scan()).toMatchObject({ unanswered: 1 });
  });

  it('ACK does not stand in for the response of a READ or atomic', () => {
    const traffic = new Traffic().read(1, 0x1000n, 100).send(2, data(10)).ack(2);
    expect(traffic.events().completions.map(({ requestIndex }) => requestIndex)).toEqual([1]);
    traffic.readResponse(1, data(100));
    expect(traffic.events().completions.map(({ requestIndex }) => requestIndex)).toEqual([1, 0]);
  });

  it('READ response ends its READ with its last packet, and what came before', () => {
    const traffic = new Traffic().send(1, data(10)).read(2, 0x1000n, 3000).readResponse(2, data(3000), MTU);
    expect(traffic.events().completions.map(({ requestIndex, frame }) => [requestIndex, frame])).toEqual([
      [0, 3],
      [1, 5],
    ]);
  });

  it('ATOMIC Acknowledge tells the value there was', () => {
    const traffic = new Traffic().request(Opcode.RC_FETCH_ADD, 1, { va: 8n, swapOrAdd: 1n });
    traffic.response(Opcode.RC_ATOMIC_ACKNOWLEDGE, 1, { originalData: 41n, syndrome: 0x1f });
    expect(traffic.events().completions).toMatchObject([{ status: 'IBV_WC_SUCCESS', originalData: 41n }]);
  });

  it('READ response of no bytes ends a FLUSH or an ATOMIC WRITE', () => {
    const traffic = new Traffic().request(Opcode.RC_FLUSH, 1, { dmaLength: 64 }).readResponse(1, data(0));
    traffic.request(Opcode.RC_ATOMIC_WRITE, 2, { dmaLength: 8, payload: data(8) }).readResponse(2, data(0));
    expect(traffic.events().completions.map(({ requestIndex }) => requestIndex)).toEqual([0, 1]);
  });

  it.each([
    [NakCode.INVALID_REQUEST, 'IBV_WC_REM_INV_REQ_ERR'],
    [NakCode.REMOTE_ACCESS_ERROR, 'IBV_WC_REM_ACCESS_ERR'],
    [NakCode.REMOTE_OPERATIONAL_ERROR, 'IBV_WC_REM_OP_ERR'],
    [NakCode.INVALID_RD_REQUEST, 'IBV_WC_REM_OP_ERR'],
  ])(
    'NAK code %i ends its request with %s, those before with success and those behind with a flush',
    (code, status) => {
      const traffic = new Traffic()
        .send(1, data(1))
        .write(2, 0x1000n, data(10))
        .send(3, data(3))
        .ack(2, nakSyndrome(code));
      traffic.send(4, data(4));
      const { completions, end } = traffic.events();
      expect(completions.map(({ requestIndex, status: how }) => [requestIndex, how])).toEqual([
        [0, 'IBV_WC_SUCCESS'],
        [1, status],
        [2, 'IBV_WC_WR_FLUSH_ERR'],
      ]);
      expect(end.skips).toMatchObject([{ reason: 'after-fatal-nak', count: 1, firstFrame: 5 }]);
      expect(traffic.scan()).toMatchObject({ fatalNaks: 1, operations: [{ errors: 1 }, { errors: 1 }] });
    },
  );

  it('RNR NAK ends nothing, and is counted with the request it refuses', () => {
    const traffic = new Traffic().send(1, data(1)).ack(1, rnrNakSyndrome(0));
    for (let i = 0; i < 3; i++) traffic.pause(655_360_000).send(1, data(1)).ack(1, rnrNakSyndrome(0));
    expect(traffic.events().completions).toEqual([]);
    traffic.pause(655_360_000).send(1, data(1)).ack(1);
    const { requests, completions } = traffic.events();
    expect(requests).toHaveLength(1);
    expect(completions).toMatchObject([{ rnrNaks: 4 }]);
    expect(traffic.scan()).toMatchObject({ rnrNaks: 4, operations: [{ rnrNaks: 4, requests: 1 }] });
  });

  it('with a reserved syndrome is left out', () => {
    const traffic = new Traffic().send(1, data(1)).ack(1, 0x9f).ack(1, nakSyndrome(9)).ack(1);
    expect(traffic.scan().skips).toMatchObject([{ reason: 'reserved-syndrome', count: 2, firstFrame: 2 }]);
    expect(traffic.events().completions).toHaveLength(1);
  });
});

describe('the requester queue pair of a flow', () => {
  it('is that of the first response whose PSN fits', () => {
    const flow = new Traffic(0x20, 0xabc).send(1, data(1)).ack(1).scan().flows[0];
    expect(flow).toMatchObject({ responderQpn: 0x20, requesterQpn: 0xabc, responsePackets: 1 });
  });

  it('is unknown without responses', () => {
    expect(new Traffic().send(1, data(1)).scan().flows[0].requesterQpn).toBeUndefined();
  });

  it('is found among many between the same hosts', () => {
    const all = new Traffic(0x100, 0x500);
    for (let i = 0; i < 20; i++) {
      const one = new Traffic(0x100 + i, 0x500 + ((i * 7) % 20));
      one.ns = i;
      for (let k = 0; k < 5; k++) one.send(i * 1000 + k, data(8)).ack(i * 1000 + k);
      all.merge(one);
    }
    const { flows } = all.scan();
    expect(flows).toHaveLength(20);
    for (const { responderQpn, requesterQpn, responsePackets, unanswered } of flows) {
      expect(requesterQpn).toBe(0x500 + (((responderQpn - 0x100) * 7) % 20));
      expect([responsePackets, unanswered]).toEqual([5, 0]);
    }
  });

  it('is found among flows with the same PSNs, as soon as one of them is ahead; what waited is delivered then', () => {
    const one = new Traffic(0x21, 0x11);
    const two = new Traffic(0x22, 0x12);
    const all = new Traffic();
    for (const [from, psn] of [
      [one, 0],
      [two, 0],
    ] as const) {
      from.ns = all.ns;
      from.send(psn, data(8));
      all.ns = from.ns;
    }
    one.ns = all.ns;
    one.ack(0).send(1, data(8)).ack(1);
    two.ns = one.ns;
    two.ack(0);
    const { requests, completions } = all.merge(one).merge(two).events();
    expect(requests.map(({ flow }) => flow.requesterQpn)).toEqual([0x11, 0x12, 0x11]);
    expect(completions.map(({ requestIndex }) => requestIndex).sort()).toEqual([0, 1, 2]);
  });

  it('is found among flows that all have the same PSNs all the time, if both directions have one UDP source port', () => {
    const all = new Traffic();
    for (let i = 0; i < 8; i++) {
      const one = new Traffic(0x20 + i, 0x10 + ((i * 3) % 8));
      one.sourcePort = 0xc100 + i;
      one.ns = i;
      for (let psn = 0; psn < 4; psn++) one.send(psn, data(8));
      for (let psn = 0; psn < 4; psn++) one.ack(psn);
      all.merge(one);
    }
    const { flows, skips } = all.scan();
    expect(skips).toEqual([]);
    expect(flows.map(({ requesterQpn }) => requesterQpn)).toEqual([0, 3, 6, 1, 4, 7, 2, 5].map((qpn) => 0x10 + qpn));
  });

  it('goes both ways: the flow back is between the same two', () => {
    const there = new Traffic(0x20, 0x10).send(1, data(1)).ack(1);
    const back = new Traffic(0x10, 0x20, '10.0.0.2', '10.0.0.1').pause(30_000).send(900, data(1));
    const { flows } = there.merge(back).scan();
    expect(flows.map(({ requesterQpn, responderQpn }) => [requesterQpn, responderQpn])).toEqual([
      [0x10, 0x20],
      [0x20, 0x10],
    ]);
  });
});
