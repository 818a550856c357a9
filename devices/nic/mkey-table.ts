import { Errno, SparseInt32, pageOf } from '../../src/base/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import { MTT_PRESENT, MTT_WRITE, type Mkey, type MkeyInit } from '../contract/index.js';

/** A key as the device keeps it: rights and translations. */
export class NicMkey implements Mkey {
  readonly iova: number;
  readonly length: number;
  readonly access: number;
  readonly pages: number;
  /** Number of the first page, counted as remote addresses are. */
  readonly firstPage: number;
  /** Translations: MTT_* and the frame. */
  readonly entries: SparseInt32;
  /** Whose memory it gives access to, and what to add to an address of the key to get one of the process; null: not known. */
  mm: MmStruct | null;
  shift: number;
  /** False once it was destroyed or invalidated: every use fails from then on. */
  valid = true;
  /** Virtual time in ns at which it was destroyed; its driver must not name it any more. Null before. */
  destroyedAt: number | null = null;
  /** Sequence number of the last DMA operation issued through this key; -1 before the first. */
  lastDma = -1;

  constructor(
    readonly rkey: number,
    init: MkeyInit,
  ) {
    this.iova = init.iova;
    this.length = init.length;
    this.access = init.access;
    this.firstPage = pageOf(init.iova);
    this.pages = pageOf(init.iova + init.length - 1) - this.firstPage + 1;
    this.entries = new SparseInt32(this.pages);
    this.mm = init.mm ?? null;
    this.shift = (init.start ?? init.iova) - init.iova;
  }

  /** Whose memory it gives access to, where its driver did not say so when it made the key. */
  belongsTo(mm: MmStruct, start: number): void {
    this.mm = mm;
    this.shift = start - this.iova;
  }

  /** True if [address, address + length) lies inside. */
  covers(address: number, length: number): boolean {
    return address >= this.iova && address + length <= this.iova + this.length;
  }

  /** The translation of the page that holds `address`; the address must be covered. */
  entry(address: number): number {
    return this.entryOfPage(pageOf(address));
  }

  /** The translation of a page, which must be covered. */
  entryOfPage(page: number): number {
    return this.entries.get(page - this.firstPage);
  }

  /** First page of [address, address + length) that lacks a sufficient translation, -1 if none does. */
  firstMissing(address: number, length: number, write: boolean): number {
    const needed = write ? MTT_PRESENT | MTT_WRITE : MTT_PRESENT;
    const first = pageOf(address) - this.firstPage;
    const last = pageOf(address + length - 1) - this.firstPage;
    for (let page = first; page <= last; page++) {
      if ((this.entries.get(page) & needed) !== needed) return page;
    }
    return -1;
  }
}

/** Keys by number. A key is an index in its upper 24 bits and a variant in its lowest byte, as mlx5 and rxe have it. */
export class MkeyTable {
  private readonly keys = new Map<number, NicMkey>();
  private nextIndex = 1;
  private last: NicMkey | null = null;

  /** @throws Errno EINVAL for an empty range, EBUSY if the key asked for is in use */
  create(init: MkeyInit): NicMkey {
    if (!(init.length > 0) || !Number.isSafeInteger(init.iova + init.length)) {
      throw new Errno('EINVAL', `reg_mr: ${String(init.length)} bytes at iova ${String(init.iova)}`);
    }
    const rkey = init.rkey ?? this.freeKey();
    if (this.keys.has(rkey)) throw new Errno('EBUSY', `rkey 0x${rkey.toString(16)} is in use`);
    const mkey = new NicMkey(rkey, init);
    this.keys.set(rkey, mkey);
    return mkey;
  }

  /** The key of that number, null if there is none or it was invalidated. */
  lookup(rkey: number): NicMkey | null {
    if (this.last !== null && this.last.rkey === rkey && this.last.valid) return this.last;
    const mkey = this.keys.get(rkey);
    if (mkey?.valid !== true) return null;
    this.last = mkey;
    return mkey;
  }

  /** Keys that have been made and not destroyed. */
  get live(): Iterable<NicMkey> {
    return this.keys.values();
  }

  /** Forgets a key. */
  destroy(mkey: NicMkey, now: number): void {
    mkey.valid = false;
    mkey.destroyedAt = now;
    if (this.keys.get(mkey.rkey) === mkey) this.keys.delete(mkey.rkey);
  }

  private freeKey(): number {
    while (this.keys.has(this.nextIndex << 8)) this.nextIndex++;
    return this.nextIndex++ << 8;
  }
}
