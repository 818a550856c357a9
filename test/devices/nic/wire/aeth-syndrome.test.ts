import {
  ackSyndrome,
  aethKind,
  aethValue,
  creditCodeFor,
  creditsOf,
  describeSyndrome,
  NakCode,
  nakSyndrome,
  rnrNakSyndrome,
  UNLIMITED_CREDITS,
} from '../../../../devices/nic/wire/index.js';

describe('the AETH syndrome', () => {
  it('is 0x1f for an ACK without a credit limit, as rxe sends it', () => {
    expect(ackSyndrome()).toBe(0x1f);
    expect(creditsOf(UNLIMITED_CREDITS)).toBe(Infinity);
  });

  it('is 0x2c for an RNR NAK with timer code 12', () => {
    expect(rnrNakSyndrome(12)).toBe(0x2c);
    expect(aethKind(0x2c)).toBe('RNR NAK');
    expect(aethValue(0x2c)).toBe(12);
  });

  it.each([
    ['PSN_SEQUENCE_ERROR', 0x60],
    ['INVALID_REQUEST', 0x61],
    ['REMOTE_ACCESS_ERROR', 0x62],
    ['REMOTE_OPERATIONAL_ERROR', 0x63],
    ['INVALID_RD_REQUEST', 0x64],
  ] as const)('carries NAK code %s as 0x%x', (name, syndrome) => {
    expect(nakSyndrome(NakCode[name])).toBe(syndrome);
    expect(aethKind(syndrome)).toBe('NAK');
  });

  it('is one of four kinds for each of the 256 values, reserved whenever bit 7 is set', () => {
    for (let syndrome = 0; syndrome < 256; syndrome++) {
      const kind = aethKind(syndrome);
      expect(kind === 'reserved').toBe(syndrome >= 0x80 || (syndrome >= 0x40 && syndrome < 0x60));
      expect(describeSyndrome(syndrome)).toContain(kind === 'reserved' ? 'reserved' : kind);
    }
  });

  it('announces credits by a code that never promises more than there are', () => {
    expect(creditsOf(5)).toBe(6);
    expect(creditsOf(14)).toBe(128);
    expect(creditsOf(30)).toBe(32768);
    for (let credits = 0; credits < 40_000; credits += 7) {
      const code = creditCodeFor(credits);
      expect(creditsOf(code)).toBeLessThanOrEqual(credits);
      if (code < 30) expect(creditsOf(code + 1)).toBeGreaterThan(credits);
    }
    expect(creditCodeFor(Infinity)).toBe(UNLIMITED_CREDITS);
  });

  it('reads as a sentence', () => {
    expect(describeSyndrome(0x1f)).toBe('ACK, unlimited credits');
    expect(describeSyndrome(0x03)).toBe('ACK, 3 credits');
    expect(describeSyndrome(0x20)).toBe('RNR NAK, timer 0');
    expect(describeSyndrome(0x62)).toBe('NAK, remote access error');
    expect(describeSyndrome(0x7f)).toBe('NAK, reserved code 31');
    expect(describeSyndrome(0x80)).toBe('reserved AETH syndrome 0x80');
  });

  it('refuses values that do not fit in five bits', () => {
    expect(() => ackSyndrome(32)).toThrow('ACK credit code must be an integer 0–31: got 32');
    expect(() => rnrNakSyndrome(-1)).toThrow('RNR timer code must be an integer 0–31: got -1');
    expect(() => creditCodeFor(-1)).toThrow('receive credits must not be negative: got -1');
  });
});
