import { NakCode, nakSyndrome, Opcode } from '../../../../devices/nic/wire/index.js';
import type { CaptureSummary } from '../../../../src/lab/capture/index.js';
import { connect, disconnect } from '../support/connection-management.js';
import { data, REQUESTER, RESPONDER, Traffic } from '../support/traffic.js';

function connections(summary: CaptureSummary): unknown[] {
  return summary.flows.map(({ connection, startPsn, requests }) => [
    connection,
    startPsn,
    requests.SEND + requests.RDMA_WRITE,
  ]);
}

describe('a queue pair number that is used again', () => {
  it('with another PSN is a new connection, when the old one has nothing left to answer', () => {
    const traffic = new Traffic().send(5, data(1)).ack(5).pause(1e9).send(900_000, data(1)).ack(900_000);
    expect(connections(traffic.scan())).toEqual([
      [0, 5, 1],
      [1, 900_000, 1],
    ]);
    expect(traffic.scan()).toMatchObject({
      missingPackets: 0,
      duplicates: 0,
      outOfSequence: 0,
      unanswered: 0,
      skips: [],
    });
  });

  it('with a PSN that the old one has passed is a new connection, if what it sends is not what was there', () => {
    const traffic = new Traffic();
    for (let psn = 0; psn < 10; psn++) traffic.write(psn, 0x1000n, data(64), 1024, 0x100).ack(psn);
    for (let psn = 0; psn < 10; psn++) traffic.write(psn, 0x7000n, data(64), 1024, 0x300).ack(psn);
    expect(connections(traffic.scan())).toEqual([
      [0, 0, 10],
      [1, 0, 10],
    ]);
  });

  it('without an end of the old one is a new connection as soon as a second packet goes on from the first', () => {
    const traffic = new Traffic()
      .send(5, data(1))
      .ack(5)
      .send(6, data(1))
      .send(900_000, data(1))
      .send(900_001, data(1))
      .ack(900_001);
    expect(connections(traffic.scan())).toEqual([
      [0, 5, 2],
      [1, 900_000, 2],
    ]);
    const { requests } = traffic.events();
    expect(requests.map(({ frame }) => frame)).toEqual([1, 3, 4, 5]);
  });

  it('is not one packet with a PSN from nowhere', () => {
    const traffic = new Traffic().send(5, data(1)).send(900_000, data(1)).send(6, data(1)).ack(6);
    const summary = traffic.scan();
    expect(connections(summary)).toEqual([[0, 5, 2]]);
    expect(summary.skips).toMatchObject([{ reason: 'stray-psn', count: 1, firstFrame: 2 }]);
  });

  it('after a fatal NAK is a new connection, even with the PSN of the old one', () => {
    const refused = nakSyndrome(NakCode.REMOTE_ACCESS_ERROR);
    const traffic = new Traffic().write(0, 0x1000n, data(8)).ack(0, refused).send(1, data(8));
    traffic.pause(1e8).write(0, 0x2000n, data(8)).ack(0);
    expect(connections(traffic.scan())).toEqual([
      [0, 0, 1],
      [1, 0, 1],
    ]);
    expect(traffic.scan().skips).toMatchObject([{ reason: 'after-fatal-nak', count: 1 }]);
  });

  it('after CM has connected it again is a new connection, even with the same PSN and the same requests', () => {
    const traffic = new Traffic();
    connect(traffic, 0x10, 0x20, 5);
    for (let psn = 5; psn < 9; psn++) traffic.send(psn, data(8)).ack(psn);
    connect(traffic, 0x11, 0x20, 5);
    for (let psn = 5; psn < 9; psn++)
      traffic.send(psn, data(8)).response(Opcode.RC_ACKNOWLEDGE, psn, { syndrome: 0x1f }, 0x11);
    const summary = traffic.scan();
    expect(summary.flows.map(({ requesterQpn }) => requesterQpn)).toEqual([0x10, 0x11]);
    expect(connections(summary)).toEqual([
      [0, 5, 4],
      [1, 5, 4],
    ]);
  });
});

describe('connection management', () => {
  it('tells path MTU, requester and first PSN before the first packet', () => {
    const traffic = new Traffic();
    connect(traffic, 0x10, 0x20, 5);
    traffic.send(5, data(8));
    const summary = traffic.scan();
    expect(summary.flows).toMatchObject([
      {
        requester: REQUESTER,
        responder: RESPONDER,
        requesterQpn: 0x10,
        startPsn: 5,
        pathMtu: 1024,
        pathMtuSource: 'cm',
      },
    ]);
    expect(summary.skips).toMatchObject([{ reason: 'cm', count: 2 }]);
  });

  it('shows that the first packets of a flow were not captured', () => {
    const traffic = new Traffic();
    connect(traffic, 0x10, 0x20, 5);
    traffic.send(7, data(8)).ack(7);
    expect(traffic.scan()).toMatchObject({ missingPackets: 2, flows: [{ startPsn: 5, unanswered: 0 }] });
  });

  it.each([
    ['the client', 'requester', 0x20],
    ['the server', 'responder', 0x10],
  ] as const)('tells when %s gives the connection up, in both directions', (_who, side, remoteQpn) => {
    const traffic = new Traffic();
    connect(traffic, 0x10, 0x20, 5);
    traffic.send(5, data(8)).ack(5);
    traffic.merge(new Traffic(0x10, 0x20, RESPONDER, REQUESTER).pause(traffic.ns).send(0x777, data(8)).ack(0x777));
    disconnect(traffic, side, remoteQpn);
    const { flows } = traffic.scan();
    const disconnected = { timeNs: 60_000, frame: 7 };
    expect(flows).toMatchObject([
      { responder: RESPONDER, disconnected },
      { responder: REQUESTER, disconnected },
    ]);
  });

  it('that is repeated changes nothing', () => {
    const traffic = new Traffic();
    connect(traffic, 0x10, 0x20, 5);
    traffic.send(5, data(8)).ack(5);
    connect(traffic, 0x10, 0x20, 5);
    traffic.send(6, data(8)).ack(6);
    expect(connections(traffic.scan())).toEqual([[0, 5, 2]]);
  });
});
