import { formatAddress, u32 } from '../../../../devices/nic/wire/index.js';
import type { RoceFrame } from '../../../../devices/nic/wire/index.js';

/** No id: the table is full. */
export const NO_HOST = -1;
const MAX_HOSTS = 65_536;

/** One address that sent or received RoCEv2 packets. */
export interface HostCounts {
  readonly address: string;
  packetsSent: number;
  /** On the wire, from the IP header to the ICRC. */
  bytesSent: number;
}

const SLOTS = MAX_HOSTS * 2;
const WORDS = 5;

/**
 * Gives each IP address a small number, so that a packet's hosts are found without making a string of them.
 * Open addressing over the address words; the version is a word of the key, for an IPv4 address is not its mapped IPv6 one.
 */
export class HostTable {
  readonly hosts: HostCounts[] = [];
  private slots = new Int32Array(64).fill(NO_HOST);
  private words = new Uint32Array(64 * WORDS);
  private readonly key = new Uint32Array(WORDS);

  /** The number of the address at `at`, new if need be; {@link NO_HOST} when there are {@link MAX_HOSTS} already. */
  idOf(layers: RoceFrame, bytes: Uint8Array, at: number): number {
    const { key } = this;
    const wordCount = layers.addressBytes / 4;
    key.fill(0);
    key[0] = layers.ipVersion;
    for (let i = 0; i < wordCount; i++) key[i + 1] = u32(bytes, at + 4 * i);
    const slot = this.find();
    const found = this.slots[slot];
    if (found !== NO_HOST || this.hosts.length >= MAX_HOSTS) return found;
    return this.add(slot, formatAddress(bytes, at, layers.addressBytes));
  }

  private find(): number {
    const { key, slots, words } = this;
    const mask = slots.length - 1;
    let hash = 0;
    for (let i = 0; i < WORDS; i++) hash = Math.imul(hash ^ key[i], 0x9e3779b1) ^ (hash >>> 15);
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (; slots[slot] !== NO_HOST; slot = (slot + 1) & mask) {
      const at = slots[slot] * WORDS;
      let i = 0;
      while (i < WORDS && words[at + i] === key[i]) i++;
      if (i === WORDS) break;
    }
    return slot;
  }

  private add(slot: number, address: string): number {
    const id = this.hosts.length;
    this.hosts.push({ address, packetsSent: 0, bytesSent: 0 });
    this.words.set(this.key, id * WORDS);
    this.slots[slot] = id;
    if (this.hosts.length * 2 >= this.slots.length && this.slots.length < SLOTS) this.grow();
    return id;
  }

  private grow(): void {
    const words = new Uint32Array(this.words.length * 2);
    words.set(this.words);
    this.words = words;
    this.slots = new Int32Array(this.slots.length * 2).fill(NO_HOST);
    for (let id = 0; id < this.hosts.length; id++) {
      this.key.set(words.subarray(id * WORDS, (id + 1) * WORDS));
      this.slots[this.find()] = id;
    }
  }
}
