import { Opcode } from '../../../devices/nic/wire/index.js';
import { compare, type ColumnResult } from '../../../src/lab/index.js';
import { connect, disconnect } from '../capture/support/connection-management.js';
import { Traffic, data } from '../capture/support/traffic.js';
import { defaults } from '../../support/compare-options.js';

const VA = 0x7f00_0000_0000n;
const MS = 1_000_000;

function columns(traffic: Traffic, changes: Parameters<typeof defaults>[1] = {}): readonly ColumnResult[] {
  return compare(defaults(traffic.file(), changes)).columns.filter(({ refused }) => refused === undefined);
}

describe('a key whose index is used again with another key byte', () => {
  /** One key per command, each for two WRITEs; ended by a local invalidate, which is not on the wire. */
  function commands(spacing: number): Traffic {
    const traffic = new Traffic();
    for (let i = 0; i < 25; i++) {
      const rKey = 0x1200 + i;
      traffic.write(2 * i, VA, data(4096), 4096, rKey).ack(2 * i);
      traffic.write(2 * i + 1, VA + 4096n, data(4096), 4096, rKey).ack(2 * i + 1);
      traffic.pause(spacing);
    }
    return traffic;
  }

  it.each([0, 100_000, 250_000, 600_000, MS])('%i ns apart, serves its own requests and no others', (spacing) => {
    for (const result of columns(commands(spacing))) {
      expect(result).toMatchObject({ requests: 50, completed: 50, errors: 0, notPosted: [] });
    }
  });

  it('does so as fast as possible, too', () => {
    for (const result of columns(commands(0), { asFastAsPossible: true })) {
      expect(result).toMatchObject({ completed: 50, errors: 0 });
    }
  });
});

describe('keys of one index on several queue pairs', () => {
  it('come one after the other as in the capture, though the queue pairs do not keep step', () => {
    const a = new Traffic(0x20, 0x10);
    const b = new Traffic(0x21, 0x11);
    const psns = new Map([
      [a, 0],
      [b, 0],
    ]);
    let ns = 0;
    const write = (traffic: Traffic, rKey: number): void => {
      const psn = psns.get(traffic) ?? 0;
      traffic.ns = ns;
      traffic.write(psn, VA, data(64), 4096, rKey).ack(psn);
      psns.set(traffic, psn + 1);
      ns += MS;
    };
    // B is busy with keys of its own for a while.
    for (let i = 0; i < 4; i++) write(b, 0x3300 + i);
    for (const [traffic, rKey] of [
      [a, 0x1200],
      [b, 0x1201],
      [a, 0x1202],
      [b, 0x1202],
      [a, 0x1203],
    ] as const) {
      write(traffic, rKey);
    }
    const file = a.merge(b);
    for (const asFastAsPossible of [true, false]) {
      for (const result of columns(file, { asFastAsPossible })) {
        expect(result).toMatchObject({ completed: 9, errors: 0, unfinished: 0 });
      }
    }
  });
});

describe('a key that is invalidated by the other side', () => {
  it('serves requests on other queue pairs first, however long they take', () => {
    const writes = new Traffic(0x20, 0x10);
    for (let psn = 0; psn < 8; psn++) writes.write(psn, VA + BigInt(psn * 4096), data(4096), 4096, 0x500);
    const control = new Traffic(0x21, 0x11).pause(85_000);
    control.request(Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 0, { invalidateRKey: 0x500, payload: data(16), ackReq: true });
    for (const result of columns(writes.merge(control))) expect(result).toMatchObject({ completed: 9, errors: 0 });
  });
});

describe('a key whose connection is given up', () => {
  const served = (): Traffic => {
    const traffic = new Traffic();
    traffic.stepNs = 20 * MS;
    connect(traffic, 0x10, 0x20, 1);
    for (let psn = 1; psn < 20; psn++) traffic.write(psn, VA, data(4096, psn), 4096, 0x501).ack(psn);
    disconnect(traffic, 'requester', 0x20);
    // Somebody else goes on for a while.
    for (let psn = 0; psn < 20; psn++) traffic.request(Opcode.RC_SEND_ONLY, psn, { payload: data(8) }, 0x99);
    return traffic;
  };

  it('is deregistered, and a pin then hands its pages over: what was lost for a while is on the disk in the end', () => {
    const [pinned, odp] = columns(served());
    expect(pinned.lostBytes).toBe(4096);
    expect(pinned.atEnd.lostBytes).toBe(0);
    expect(pinned.worstMomentNs).toBeGreaterThan(0);
    expect([odp.lostBytes, odp.worstMomentNs]).toEqual([0, 0]);
  });

  it('serves its requests first when they are posted as fast as possible', () => {
    for (const result of columns(served(), { asFastAsPossible: true })) expect(result.errors).toBe(0);
  });
});

describe('requests', () => {
  it('of one queue pair that have to wait do not hold up those of another', () => {
    const faulting = new Traffic(0x20, 0x10);
    for (let psn = 0; psn < 8; psn++) faulting.write(psn, VA + BigInt(psn * 4096), data(4096), 4096, 0x500 + psn);
    const other = new Traffic(0x21, 0x11).pause(5_000);
    for (let psn = 0; psn < 200; psn++) other.request(Opcode.RC_SEND_ONLY, psn, { payload: data(8), ackReq: true });
    for (const result of columns(faulting.merge(other))) {
      expect(result.errors).toBe(0);
      expect(result.latencyNs.p50).toBeLessThan(10_000);
    }
  });

  it('that wait for their key are late, and that counts', () => {
    const traffic = new Traffic().write(0, VA, data(8), 4096, 0x500).ack(0);
    // The index comes back at once: its next key cannot be registered before the first is gone.
    traffic.write(1, VA, data(8), 4096, 0x501).ack(1);
    const [pinned] = columns(traffic);
    expect(pinned.latencyNs.max).toBeGreaterThan(30_000);
  });

  it('that the captured responder refused are left out, and said so', () => {
    const traffic = new Traffic()
      .write(0, VA, data(64))
      .ack(0)
      .write(1, VA + 2n ** 30n, data(64))
      .ack(1, 0x62);
    for (const result of columns(traffic)) {
      expect(result).toMatchObject({ requests: 1, completed: 1, residentPages: 1 });
      expect(result.notPosted).toEqual([
        { reason: 'refused', count: 1, firstFrame: 3, firstOffset: 24 + (16 + 138) + (16 + 62) },
      ]);
    }
  });

  it.each([
    ['a range that nothing else touches', { va: VA, dmaLength: 2 ** 22, selectivity: 0 }],
    ['the whole region', { va: 0n, dmaLength: 0, selectivity: 1 }],
  ])('to FLUSH %s are posted', (_what, flush) => {
    const traffic = new Traffic().write(0, VA, data(64), 4096, 0x500).ack(0);
    traffic.request(Opcode.RC_FLUSH, 1, { ...flush, rKey: 0x500, placement: 1, ackReq: true });
    for (const result of columns(traffic)) expect(result).toMatchObject({ completed: 2, errors: 0, notPosted: [] });
  });
});
