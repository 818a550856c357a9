import { Packet } from '../../../../devices/nic/wire/index.js';

/** A packet in which no field has the value of a new one. */
function filled(): Packet {
  const packet = new Packet();
  const fields = packet as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(packet)) {
    if (typeof value === 'number') fields[name] = value + 1;
    else if (typeof value === 'bigint') fields[name] = value + 1n;
    else if (typeof value === 'boolean') fields[name] = !value;
    else fields[name] = new Uint8Array(2);
  }
  return packet;
}

describe('a Packet', () => {
  it('has all its fields from the start, so that every packet has the same shape', () => {
    const before = Object.keys(new Packet());
    expect(Object.keys(filled().reset())).toEqual(before);
  });

  it('is like new after reset', () => {
    expect(filled().reset()).toEqual(new Packet());
  });

  it('takes over every field of another, and shares its payload', () => {
    const original = filled();
    const copy = new Packet().copyFrom(original);
    expect(copy).toEqual(original);
    expect(copy.payload).toBe(original.payload);
  });

  it('pads a payload to four bytes', () => {
    const bytes = new Uint8Array(16);
    for (const [length, pad] of [
      [0, 0],
      [1, 3],
      [2, 2],
      [3, 1],
      [4, 0],
      [13, 3],
    ] as const) {
      expect(new Packet().setPayload(bytes, 0, length).padCount).toBe(pad);
    }
  });

  it('keeps 64-bit addresses exactly', () => {
    const packet = new Packet();
    for (const address of [0n, 1n, 0xffff_8880_0630_a000n, 0xffff_ffff_ffff_ffffn]) {
      packet.virtualAddress = address;
      expect(packet.virtualAddress).toBe(address);
    }
    expect(() => {
      packet.virtualAddress = 1n << 64n;
    }).toThrow('Packet.virtualAddress must be 0 … 2^64−1: got 18446744073709551616');
  });

  it('refuses a payload that does not lie in its bytes', () => {
    expect(() => new Packet().setPayload(new Uint8Array(4), 2, 3)).toThrow(
      'Packet payload must lie inside its 4 bytes: got offset 2, length 3',
    );
  });
});
