import { RoceFrame } from '../../../../devices/nic/wire/index.js';
import { HostTable, NO_HOST } from '../../../../src/lab/capture/packets/index.js';

describe('the host table', () => {
  it('gives ten thousand addresses ten thousand numbers, and the same ones again', () => {
    const table = new HostTable();
    const layers = new RoceFrame();
    layers.ipVersion = 4;
    const bytes = new Uint8Array(4);
    const idOf = (host: number): number => {
      bytes.set([10, host >>> 16, host >>> 8, host]);
      return table.idOf(layers, bytes, 0);
    };
    const ids = Array.from({ length: 10_000 }, (_, host) => idOf(host));
    expect(new Set(ids).size).toBe(10_000);
    expect(ids.map((_, host) => idOf(host))).toEqual(ids);
    expect(table.hosts[ids[258]].address).toBe('10.0.1.2');
  });

  it('ends at 65,536 addresses, so that a forged capture cannot fill the memory', () => {
    const table = new HostTable();
    const layers = new RoceFrame();
    layers.ipVersion = 6;
    const bytes = new Uint8Array(16);
    let inOrder = true;
    for (let host = 0; host < 65_536; host++) {
      bytes.set([host >>> 8, host]);
      inOrder &&= table.idOf(layers, bytes, 0) === host;
    }
    expect(inOrder).toBe(true);
    bytes[15] = 1;
    expect(table.idOf(layers, bytes, 0)).toBe(NO_HOST);
    bytes[15] = 0;
    expect(table.idOf(layers, bytes, 0)).toBe(65_535);
  });
});
