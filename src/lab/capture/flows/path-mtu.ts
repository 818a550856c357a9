import { psnCount } from '../../../../devices/nic/wire/index.js';
import type { FlowFacts, PathMtuSource } from './flow.js';

/** The path MTUs there are (`ibv_mtu`), the largest first. */
const MTUS: readonly number[] = [4096, 2048, 1024, 512, 256];

export function isPathMtu(bytes: number): boolean {
  return MTUS.includes(bytes);
}

/**
 * What the packets of a flow tell about its path MTU, which no header carries. A First or Middle packet is as long as the
 * MTU, an Only packet is no longer, and the PSN after an RDMA READ says how many packets its length took.
 */
export class PathMtu {
  /** Largest first; never empty. */
  private candidates: readonly number[] = MTUS;
  /** The MTUs that fit the last READ and its follower exactly; believed when the next one agrees, for a packet may be lost. */
  private hint: readonly number[] = [];
  private readonly facts: FlowFacts;

  constructor(facts: FlowFacts) {
    this.facts = facts;
  }

  /** The largest that nothing contradicts. */
  get value(): number {
    return this.candidates[0];
  }

  /** True when every candidate gives a message of `length` bytes the same number of packets. */
  settles(length: number): boolean {
    return psnCount(length, this.value) === psnCount(length, this.candidates.at(-1)!);
  }

  /** The fewest PSNs that `length` bytes can take. */
  fewest(length: number): number {
    return psnCount(length, this.value);
  }

  most(length: number): number {
    return psnCount(length, this.candidates.at(-1)!);
  }

  /** A First or Middle packet had `bytes` of payload; what was believed before gives way to it. */
  exactly(bytes: number, source: PathMtuSource): void {
    if (this.value === bytes && this.candidates.length === 1) return;
    if (isPathMtu(bytes)) this.narrow([bytes], source);
  }

  /** An Only packet had `bytes` of payload. */
  atLeast(bytes: number): void {
    if (this.candidates.at(-1)! >= bytes) return;
    const fitting = this.candidates.filter((mtu) => mtu >= bytes);
    this.narrow(fitting.length > 0 ? fitting : MTUS.filter((mtu) => mtu >= bytes), 'packets');
  }

  /**
   * `length` bytes were followed by another packet `psns` later. Returns how many of these PSNs they took: all of them if
   * some MTU agrees, otherwise the most that an MTU allows; the rest is missing.
   */
  followedAfter(length: number, psns: number): number {
    const possible = this.candidates.filter((mtu) => psnCount(length, mtu) <= psns);
    if (possible.length === 0) return this.fewest(length);
    const agreeing = possible.filter((mtu) => psnCount(length, mtu) === psns);
    const twice = agreeing.filter((mtu) => this.hint.includes(mtu));
    this.narrow(twice.length > 0 ? twice : possible, 'psn');
    this.hint = agreeing;
    return psnCount(length, possible.at(-1)!);
  }

  private narrow(candidates: readonly number[], source: PathMtuSource): void {
    if (candidates.length === 0) return;
    this.candidates = candidates;
    this.facts.pathMtu = candidates[0]!;
    this.facts.pathMtuSource = candidates.length === 1 ? source : 'assumed';
  }
}
