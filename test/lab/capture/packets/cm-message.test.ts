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
    expect(parseCmMessage(reserved, 0, reserved.length)?.pathMtu).toBe(0);
  });
});
