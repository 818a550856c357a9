import { data, Traffic } from '../support/traffic.js';

describe('the path MTU of a flow', () => {
  it.each([256, 512, 1024, 2048, 4096])('of %i bytes shows in the First packet of a message', (mtu) => {
    expect(new Traffic().send(1, data(3 * mtu), mtu).scan().flows[0]).toMatchObject({
      pathMtu: mtu,
      pathMtuSource: 'packets',
    });
  });

  it('shows in the responses to a READ', () => {
    const traffic = new Traffic()
      .read(1, 0n, 4096)
      .readResponse(1, data(4096), 512)
      .read(9, 0n, 4096)
      .readResponse(9, data(4096), 512);
    expect(traffic.scan().flows[0]).toMatchObject({ pathMtu: 512, pathMtuSource: 'packets', missingPackets: 0 });
    expect(traffic.events().completions).toHaveLength(2);
  });

  it.each([256, 512, 1024, 2048])('of %i bytes shows in the PSNs that READs take, without any response', (mtu) => {
    const traffic = new Traffic();
    for (let i = 0; i < 5; i++) traffic.read(1 + (i * 8192) / mtu, 0x1000n, 8192);
    const summary = traffic.scan();
    expect(summary.flows[0]).toMatchObject({ pathMtu: mtu, pathMtuSource: 'psn' });
    expect(summary).toMatchObject({ missingPackets: 0, duplicates: 0, outOfSequence: 0 });
    expect(summary.operations[0].requests).toBe(5);
  });

  it('is 4096 for certain once a single packet carries more than 2048 bytes', () => {
    expect(new Traffic().send(1, data(2049), 4096).scan().flows[0]).toMatchObject({
      pathMtu: 4096,
      pathMtuSource: 'packets',
    });
  });

  it('is only assumed when no packet depends on it', () => {
    expect(new Traffic().send(1, data(64)).read(2, 0n, 100).send(3, data(64)).scan().flows[0]).toMatchObject({
      pathMtu: 4096,
      pathMtuSource: 'assumed',
      missingPackets: 0,
    });
  });

  it('is not mistaken for half of itself because one READ was not captured', () => {
    const traffic = new Traffic();
    for (const psn of [0, 1, 3, 4, 5]) traffic.read(psn, 0x1000n, 4096);
    for (const psn of [0, 1, 2, 3, 4, 5]) traffic.readResponse(psn, data(4096), 4096);
    const summary = traffic.scan();
    expect(summary.flows[0]).toMatchObject({ pathMtu: 4096, missingPackets: 1, duplicates: 0 });
    expect(summary.operations[0]).toMatchObject({ requests: 5, completions: 5 });
  });
});
