import { parseCmMessage } from '../../../../src/lab/capture/packets/index.js';

/** The first two MADs of rping between two Linux hosts, from the MAD header on. */
const REQ = Buffer.from(
  '010702030000000000000002' +
    '4e6345d4' +
    '00100000' +
    '00000000' +
    'd445634e000000000000000001061c06505400fffe770003000000000000000000006601000000010000' +
    '00a0d09809a7ffff57f0ffffffff',
  'hex',
);
const REP = Buffer.from(
  '010702030000000000000002' +
    '4e6345d4' +
    '00130000' +
    '00000000' +
    'f383c5d0d445634e0000000000006500000000007b708b00010178e0505400fffe770002' +
    '00'.repeat(30),
  'hex',
);

describe('a CM message', () => {
  it('REQ tells the queue pair of its sender, the PSN to start with and the path MTU', () => {
    expect(parseCmMessage(REQ, 0, REQ.length)).toEqual({
      type: 'REQ',
      localCommId: 0xd445634e,
      remoteCommId: 0,
      qpn: 102,
      startingPsn: 13670409,
      pathMtu: 4096,
    });
  });

  it('REP answers the REQ of the same communication id', () => {
    expect(parseCmMessage(REP, 0, REP.length)).toEqual({
      type: 'REP',
      localCommId: 0xf383c5d0,
      remoteCommId: 0xd445634e,
      qpn: 101,
      startingPsn: 8089739,
      pathMtu: 0,
    });
  });

  it('REP may offer a region, as an fio librpma server does', () => {
    const offer = Buffer.from('000001150000a06a977f000000004000000000009d0200002f', 'hex');
    const rep = Buffer.concat([REP.subarray(0, 24 + 36), offer, Buffer.alloc(171)]);
    expect(parseCmMessage(rep, 0, rep.length)).toMatchObject({
      type: 'REP',
      region: { rKey: 0x29d, address: 0x7f97_6aa0_0000n, length: 0x40_0000n },
    });
    expect(parseCmMessage(REP, 0, REP.length)).not.toHaveProperty('region');
  });

  it('DREQ names the queue pair of its receiver', () => {
    const dreq = Buffer.from(REQ);
    dreq[17] = 0x15;
    dreq.writeUIntBE(0x1234, 24 + 8, 3);
    expect(parseCmMessage(dreq, 0, dreq.length)).toEqual({ type: 'DREQ', remoteQpn: 0x1234 });
  });

  it('is nothing else: not another MAD class, not another attribute, not a cut one', () => {
    const other = Buffer.from(REQ);
    other[1] = 3;
    expect(parseCmMessage(other, 0, other.length)).toBeUndefined();
    const rtu = Buffer.from(REQ);
    rtu[17] = 0x14;
    expect(parseCmMessage(rtu, 0, rtu.length)).toBeUndefined();
    expect(parseCmMessage(REQ, 0, 74)).toBeUndefined();
  });

  it('with a reserved path MTU code tells none', () => {
    const reserved = Buffer.from(REQ);
    reserved[24 + 50] = 0x77;
    expect(parseCmMessage(reserved, 0, reserved.length)).toMatchObject({ type: 'REQ', pathMtu: 0 });
  });
});
