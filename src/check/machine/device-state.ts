import { READ, WRITE } from '../../engine/index.js';
import type { Nic, NicMkey } from '../../../devices/nic/index.js';
import type { Stage } from '../explore/index.js';
import { Domain, changesBut, type Classify } from './domain.js';
import { probe } from './probe.js';

/** Of a NIC's methods: those that look whether a key is valid; and those of its page faults. */
const KEY_LOOKS = ['map', 'unmap', 'own', 'alive'];
const FAULTS = ['raise', 'resume'];
const FAULT_LOOKS = ['handle'];
/** Those that change nothing by themselves: they are told by what they call. */
const PLAIN = ['attach', 'driver', 'servesOne', 'schedule', 'clear', 'setEntry'];

const translationUse = changesBut(['get', 'forEach']);
const keyUse = changesBut(KEY_LOOKS, [...FAULTS, ...FAULT_LOOKS, ...PLAIN]);
const faultUse: Classify = (method) => (FAULTS.includes(method) ? WRITE : FAULT_LOOKS.includes(method) ? READ : null);
// All operations have events of their own here, so nothing is ever found to be due.
const dmaUse = changesBut(['inFlight', 'drain'], ['dueAt']);

/**
 * A NIC as far as a search over schedules is concerned: its keys, its page faults under way, its DMA, and the translations
 * of each key, are each one thing.
 */
export class DeviceState {
  private readonly translations: Domain;
  private readonly keys: Domain;

  constructor(stage: Stage, nic: Nic) {
    this.translations = new Domain(stage.state(), translationUse);
    const keys = new Domain(stage.state(), keyUse);
    this.keys = keys;
    const faults = new Domain(stage.state(), faultUse);
    const dma = new Domain(stage.state(), dmaUse);
    probe(nic, {
      enter: (method) => {
        keys.enter(method);
        faults.enter(method);
      },
      leave: () => {
        keys.leave();
        faults.leave();
      },
    });
    probe(nic.mkeys, keys);
    probe(nic.dma, dma);
  }

  /** Watches the translations of a key. */
  watch(mkey: NicMkey): void {
    probe(mkey.entries, this.translations);
  }

  /** Whether a key is valid. */
  isValid(mkey: NicMkey): boolean {
    this.keys.use(READ);
    return mkey.valid;
  }
}
