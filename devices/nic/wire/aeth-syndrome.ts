/** What an AETH says, from bits 6–5 of its syndrome (IBTA table 43); bit 7 is reserved and must be zero. */
export type AethKind = 'ACK' | 'RNR NAK' | 'NAK' | 'reserved';

/** NAK codes, the low five bits of a NAK syndrome (IBTA table 46). */
export const NakCode = {
  PSN_SEQUENCE_ERROR: 0,
  INVALID_REQUEST: 1,
  REMOTE_ACCESS_ERROR: 2,
  REMOTE_OPERATIONAL_ERROR: 3,
  INVALID_RD_REQUEST: 4,
} as const;

const NAK_NAMES = [
  'PSN sequence error',
  'invalid request',
  'remote access error',
  'remote operational error',
  'invalid RD request',
];

/** Credit code 31 waives end-to-end flow control: always so with an SRQ, and the only one rxe ever sends. */
export const UNLIMITED_CREDITS = 31;

const CREDITS: readonly number[] = [
  0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144,
  8192, 12288, 16384, 24576, 32768,
];

const KINDS: readonly AethKind[] = ['ACK', 'RNR NAK', 'reserved', 'NAK'];

export function aethKind(syndrome: number): AethKind {
  return syndrome & 0x80 ? 'reserved' : KINDS[(syndrome >>> 5) & 3];
}

/** The low five bits: a credit code (ACK), a timer code (RNR NAK) or a {@link NakCode} (NAK). */
export function aethValue(syndrome: number): number {
  return syndrome & 0x1f;
}

/** Syndrome of an ACK; without a credit code it grants unlimited credits. @throws RangeError outside 0–31. */
export function ackSyndrome(creditCode: number = UNLIMITED_CREDITS): number {
  return fiveBits('ACK credit code', creditCode);
}

/** Syndrome of an RNR NAK with the timer `code` of {@link rnrTimerNs}. @throws RangeError outside 0–31. */
export function rnrNakSyndrome(code: number): number {
  return 0x20 | fiveBits('RNR timer code', code);
}

/** Syndrome of a NAK, e.g. 0x60 for a PSN sequence error. @throws RangeError outside 0–31. */
export function nakSyndrome(code: number): number {
  return 0x60 | fiveBits('NAK code', code);
}

/** Receive WQEs that a credit code announces; `Infinity` for {@link UNLIMITED_CREDITS}. @throws RangeError outside 0–31. */
export function creditsOf(creditCode: number): number {
  return fiveBits('ACK credit code', creditCode) === UNLIMITED_CREDITS ? Infinity : CREDITS[creditCode];
}

/** The largest credit code that promises no more than `credits` receive WQEs. @throws RangeError when negative. */
export function creditCodeFor(credits: number): number {
  if (!(credits >= 0)) throw new RangeError(`receive credits must not be negative: got ${credits}`);
  if (credits === Infinity) return UNLIMITED_CREDITS;
  let code = CREDITS.length - 1;
  while (CREDITS[code] > credits) code--;
  return code;
}

/** For people: `ACK, unlimited credits`, `RNR NAK, timer 12`, `NAK, remote access error`. */
export function describeSyndrome(syndrome: number): string {
  const value = aethValue(syndrome);
  switch (aethKind(syndrome)) {
    case 'ACK':
      return value === UNLIMITED_CREDITS ? 'ACK, unlimited credits' : `ACK, ${CREDITS[value]} credits`;
    case 'RNR NAK':
      return `RNR NAK, timer ${value}`;
    case 'NAK':
      return `NAK, ${NAK_NAMES[value] ?? `reserved code ${value}`}`;
    case 'reserved':
      return `reserved AETH syndrome 0x${syndrome.toString(16).padStart(2, '0')}`;
  }
}

function fiveBits(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 31) {
    throw new RangeError(`${what} must be an integer 0–31: got ${value}`);
  }
  return value;
}
