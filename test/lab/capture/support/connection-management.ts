import { Opcode } from '../../../../devices/nic/wire/index.js';
import type { Traffic } from './traffic.js';

type Side = 'requester' | 'responder';

/** A CM MAD as UD SEND to QP 1. */
function mad(traffic: Traffic, from: Side, attribute: number, fill: (at: Buffer) => void): void {
  const bytes = Buffer.alloc(256);
  bytes.set([1, 7, 2, 3]);
  bytes.writeUInt16BE(attribute, 16);
  fill(bytes.subarray(24));
  const fields = { payload: bytes, sourceQp: 1 };
  if (from === 'requester') traffic.request(Opcode.UD_SEND_ONLY, 0, fields, 1);
  else traffic.response(Opcode.UD_SEND_ONLY, 0, fields, 1);
}

export interface Connect {
  /** Path MTU code of the REQ, 3 is 1024. */
  readonly mtuCode?: number;
  /** What the REP carries behind its fields. */
  readonly privateData?: Uint8Array;
}

/** REQ and REP: the client will send from `clientQpn` to `serverQpn`, beginning at `psn`. */
export function connect(
  traffic: Traffic,
  clientQpn: number,
  serverQpn: number,
  psn: number,
  { mtuCode = 3, privateData = new Uint8Array() }: Connect = {},
): void {
  mad(traffic, 'requester', 0x0010, (at) => {
    at.writeUInt32BE(0x1000 + clientQpn, 0);
    at.writeUIntBE(clientQpn, 32, 3);
    at.writeUIntBE(0x777, 44, 3);
    at[50] = mtuCode << 4;
  });
  mad(traffic, 'responder', 0x0013, (at) => {
    at.writeUInt32BE(0x2000 + serverQpn, 0);
    at.writeUInt32BE(0x1000 + clientQpn, 4);
    at.writeUIntBE(serverQpn, 12, 3);
    at.writeUIntBE(psn, 20, 3);
    at.set(privateData, 36);
  });
}

/** DREQ from one side: it names the other side's queue pair. */
export function disconnect(traffic: Traffic, from: Side, remoteQpn: number): void {
  mad(traffic, from, 0x0015, (at) => at.writeUIntBE(remoteQpn, 8, 3));
}

/** The private data with which an fio librpma server offers a region. */
export function librpmaOffer(address: bigint, length: bigint, rKey: number): Uint8Array {
  const bytes = Buffer.alloc(25);
  bytes.set([0, 0, 1, 21]);
  bytes.writeBigUInt64LE(address, 4);
  bytes.writeBigUInt64LE(length, 12);
  bytes.writeUInt32LE(rKey, 20);
  bytes[24] = 0x2f;
  return bytes;
}
