import { u16, u24, u32 } from '../../../../devices/nic/wire/index.js';
import { parseLibrpmaRegion, type AnnouncedRegion } from './librpma-region.js';

/** A ConnectRequest or ConnectReply of the InfiniBand connection manager, as far as a bystander needs it (IBTA 12.6). */
export interface ConnectMessage {
  readonly type: 'REQ' | 'REP';
  readonly localCommId: number;
  /** REP only: the `localCommId` of the REQ it answers. */
  readonly remoteCommId: number;
  /** Queue pair of the sender. */
  readonly qpn: number;
  /** The PSN with which the receiver shall start to send to `qpn`. */
  readonly startingPsn: number;
  /** REQ only: bytes, 0 when the code is reserved. */
  readonly pathMtu: number;
  /** REP only: memory of the sender that its private data offers to the receiver. */
  readonly region?: AnnouncedRegion;
}

/** A DisconnectRequest: the sender will use the connection no more. */
export interface DisconnectMessage {
  readonly type: 'DREQ';
  /** Queue pair of the receiver. */
  readonly remoteQpn: number;
}

export type CmMessage = ConnectMessage | DisconnectMessage;

const MANAGEMENT_CLASS_CM = 7;
const ATTRIBUTE_REQ = 0x0010;
const ATTRIBUTE_REP = 0x0013;
const ATTRIBUTE_DREQ = 0x0015;
const MAD_HEADER_BYTES = 24;
/** Up to the last field that is read here; every MAD is 256 bytes long. */
const NEEDED_BYTES = MAD_HEADER_BYTES + 51;
const REP_PRIVATE_DATA = 36;
const REP_PRIVATE_DATA_BYTES = 196;

/** Reads the MAD at `bytes[at, at + length)`; undefined when it is something else. */
export function parseCmMessage(bytes: Uint8Array, at: number, length: number): CmMessage | undefined {
  if (length < NEEDED_BYTES || bytes[at] !== 1 || bytes[at + 1] !== MANAGEMENT_CLASS_CM) return undefined;
  const data = at + MAD_HEADER_BYTES;
  switch (u16(bytes, at + 16)) {
    case ATTRIBUTE_REQ:
      return {
        type: 'REQ',
        localCommId: u32(bytes, data),
        remoteCommId: 0,
        qpn: u24(bytes, data + 32),
        startingPsn: u24(bytes, data + 44),
        pathMtu: mtuOf(bytes[data + 50] >>> 4),
      };
    case ATTRIBUTE_REP: {
      const from = data + REP_PRIVATE_DATA;
      const region = parseLibrpmaRegion(bytes.subarray(from, Math.min(from + REP_PRIVATE_DATA_BYTES, at + length)));
      return {
        type: 'REP',
        localCommId: u32(bytes, data),
        remoteCommId: u32(bytes, data + 4),
        qpn: u24(bytes, data + 12),
        startingPsn: u24(bytes, data + 20),
        pathMtu: 0,
        ...(region === undefined ? {} : { region }),
      };
    }
    case ATTRIBUTE_DREQ:
      return { type: 'DREQ', remoteQpn: u24(bytes, data + 8) };
    default:
      return undefined;
  }
}

function mtuOf(code: number): number {
  return code >= 1 && code <= 5 ? 128 << code : 0;
}
