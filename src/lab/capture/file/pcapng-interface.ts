import type { CapturedFrame } from './captured-frame.js';

/** What the packets of an interface need from its description block. */
export interface PcapngInterface {
  readonly linkType: number;
  /** `Infinity` where the block says 0, no limit. */
  readonly snapLength: number;
  /** if_tsresol as ticks per second; a power of ten or of two. */
  readonly ticksPerSecond: bigint;
  /** 10^9 / ticksPerSecond where that is an integer of at most 2^53, which every capture tool writes; otherwise 0. */
  readonly nanosecondsPerTick: number;
  /** if_tsoffset. */
  readonly offsetSeconds: number;
}

const OPTION_END = 0;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;
const OPTIONS_AT = 16;
const MICROSECONDS = 6;
const TWO_TO_32 = 2 ** 32;
const NS_PER_SECOND = 1_000_000_000n;

/** Reads the Interface Description Block of `length` bytes at `at`. Options that do not fit the block end the list. */
export function readInterface(view: DataView, at: number, length: number, littleEndian: boolean): PcapngInterface {
  let resolution = MICROSECONDS;
  let offsetSeconds = 0;
  const end = at + length - 4;
  let option = at + OPTIONS_AT;
  while (option + 4 <= end) {
    const code = view.getUint16(option, littleEndian);
    const size = view.getUint16(option + 2, littleEndian);
    const value = option + 4;
    if (code === OPTION_END || value + size > end) break;
    if (code === OPTION_TSRESOL && size === 1) resolution = view.getUint8(value);
    if (code === OPTION_TSOFFSET && size === 8) offsetSeconds = Number(view.getBigInt64(value, littleEndian));
    option = value + ((size + 3) & ~3);
  }
  const exponent = BigInt(resolution & 0x7f);
  const ticksPerSecond = resolution & 0x80 ? 2n ** exponent : 10n ** exponent;
  return {
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: view.getUint32(at + 12, littleEndian) || Infinity,
    ticksPerSecond,
    nanosecondsPerTick: NS_PER_SECOND % ticksPerSecond === 0n ? Number(NS_PER_SECOND / ticksPerSecond) : 0,
    offsetSeconds,
  };
}

/** Sets the stamp of `frame` from the two halves of a 64-bit count of ticks. */
export function setStamp(frame: CapturedFrame, on: PcapngInterface, ticksHi: number, ticksLo: number): void {
  frame.stamped = true;
  if (on.nanosecondsPerTick === 0) {
    const ticks = (BigInt(ticksHi) << 32n) | BigInt(ticksLo);
    frame.seconds = Number(ticks / on.ticksPerSecond) + on.offsetSeconds;
    frame.nanoseconds = Number(((ticks % on.ticksPerSecond) * NS_PER_SECOND) / on.ticksPerSecond);
    return;
  }
  // Long division in two steps of 16 bits: no intermediate value passes 2^53, as ticks per second are at most 10^9 here.
  const divisor = Number(on.ticksPerSecond);
  const top = Math.floor(ticksHi / divisor);
  const middle = (ticksHi - top * divisor) * 65536 + (ticksLo >>> 16);
  const middleQuotient = Math.floor(middle / divisor);
  const low = (middle - middleQuotient * divisor) * 65536 + (ticksLo & 0xffff);
  const lowQuotient = Math.floor(low / divisor);
  frame.seconds = top * TWO_TO_32 + middleQuotient * 65536 + lowQuotient + on.offsetSeconds;
  frame.nanoseconds = (low - lowQuotient * divisor) * on.nanosecondsPerTick;
}
