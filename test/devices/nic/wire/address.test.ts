import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../../../devices/nic/wire/index.js';

describe('addresses as text', () => {
  it.each([
    ['10.77.0.2', '0a4d0002'],
    ['fe80::1', 'fe800000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['fd77::2', 'fd770000000000000000000000000002'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['1:0:0:2::3', '00010000000000020000000000000003'],
  ])('%s stands for %s', (text, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(Buffer.from(parseAddress(text)).toString('hex')).toBe(hex);
    expect(formatAddress(bytes, 0, bytes.length as 4 | 16)).toBe(text);
  });

  it('takes an IPv4 tail in an IPv6 address, as GIDs are written', () => {
    expect(Buffer.from(parseAddress('::ffff:10.77.0.2')).toString('hex')).toBe('00000000000000000000ffff0a4d0002');
  });

  it('reads back whatever it writes', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = Uint8Array.from(groups.flatMap((value) => [value >>> 8, value & 0xff]));
        expect(parseAddress(formatAddress(bytes, 0, 16))).toEqual(bytes);
      }),
    );
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'g::',
    'host',
  ])('refuses %p', (text) => {
    expect(() => parseAddress(text)).toThrow(`address must be IPv4 or IPv6: got ${JSON.stringify(text)}`);
  });
});
