import { encodeFrame, frameBytes, Opcode, Packet, parseAddress, psnAdd } from '../../../../devices/nic/wire/index.js';
import type { FramePath } from '../../../../devices/nic/wire/index.js';
import { readRequests, scanCapture } from '../../../../src/lab/capture/index.js';
import type {
  CapturedCompletion,
  CapturedRequest,
  CaptureEnd,
  CaptureSummary,
  RequestOptions,
} from '../../../../src/lab/capture/index.js';
import { pcapFile } from './capture-writer.js';
import type { Record } from './capture-writer.js';

export const REQUESTER = '10.0.0.1';
export const RESPONDER = '10.0.0.2';

/** What a test says of a packet; the rest is as in a new one. */
export type PacketFields = Partial<
  Pick<
    Packet,
    | 'rKey'
    | 'dmaLength'
    | 'swapOrAdd'
    | 'compare'
    | 'syndrome'
    | 'msn'
    | 'originalData'
    | 'immediate'
    | 'invalidateRKey'
    | 'ackReq'
    | 'solicitedEvent'
    | 'placement'
    | 'selectivity'
    | 'sourceQp'
    | 'transportVersion'
  >
> & { readonly va?: bigint; readonly payload?: Uint8Array };

/** `length` bytes that differ from one offset to the next. */
export function data(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8) + seed * 31) & 0xff);
}

/** A tap on the wire between a requester and a responder: writes frame after frame, then reads them back as a capture. */
export class Traffic {
  readonly records: Record[] = [];
  /** Time of the next frame. */
  ns = 0;
  /** Time between frames. */
  stepNs = 10_000;
  /** UDP source port of both directions, as Linux has it; undefined: each direction has its own. */
  sourcePort: number | undefined = undefined;

  constructor(
    readonly responderQpn = 0x20,
    readonly requesterQpn = 0x10,
    private readonly requester = REQUESTER,
    private readonly responder = RESPONDER,
  ) {}

  /** A packet of the requester to the responder's queue pair. */
  request(opcode: number, psn: number, fields: PacketFields = {}, destQp = this.responderQpn): this {
    return this.put(this.requester, this.responder, destQp, opcode, psn, fields);
  }

  /** A packet of the responder to the requester's queue pair. */
  response(opcode: number, psn: number, fields: PacketFields = {}, destQp = this.requesterQpn): this {
    return this.put(this.responder, this.requester, destQp, opcode, psn, fields);
  }

  ack(psn: number, syndrome = 0x1f): this {
    return this.response(Opcode.RC_ACKNOWLEDGE, psn, { syndrome });
  }

  /** An RDMA WRITE in as many packets as the MTU makes of it; `drop` names packets, from 0, that the tap misses. */
  write(psn: number, va: bigint, payload: Uint8Array, mtu = 1024, rKey = 0x1234, drop: readonly number[] = []): this {
    return this.message('write', psn, payload, mtu, { va, rKey, dmaLength: payload.length }, drop);
  }

  send(psn: number, payload: Uint8Array, mtu = 1024, drop: readonly number[] = []): this {
    return this.message('send', psn, payload, mtu, {}, drop);
  }

  read(psn: number, va: bigint, length: number, rKey = 0x1234): this {
    return this.request(Opcode.RC_RDMA_READ_REQUEST, psn, { va, rKey, dmaLength: length, ackReq: true });
  }

  readResponse(psn: number, payload: Uint8Array, mtu = 1024): this {
    const packets = Math.max(1, Math.ceil(payload.length / mtu));
    for (let i = 0; i < packets; i++) {
      const opcode =
        packets === 1
          ? Opcode.RC_RDMA_READ_RESPONSE_ONLY
          : i === 0
            ? Opcode.RC_RDMA_READ_RESPONSE_FIRST
            : i === packets - 1
              ? Opcode.RC_RDMA_READ_RESPONSE_LAST
              : Opcode.RC_RDMA_READ_RESPONSE_MIDDLE;
      this.response(opcode, psnAdd(psn, i), { payload: payload.subarray(i * mtu, (i + 1) * mtu), syndrome: 0x1f });
    }
    return this;
  }

  private message(
    kind: 'send' | 'write',
    psn: number,
    payload: Uint8Array,
    mtu: number,
    head: PacketFields,
    drop: readonly number[],
  ): this {
    const packets = Math.max(1, Math.ceil(payload.length / mtu));
    const base = kind === 'send' ? Opcode.RC_SEND_FIRST : Opcode.RC_RDMA_WRITE_FIRST;
    for (let i = 0; i < packets; i++) {
      // In the order of the opcodes: First, Middle, Last, and Only four behind First.
      const opcode = base + (packets === 1 ? 4 : i === 0 ? 0 : i === packets - 1 ? 2 : 1);
      const fields = { ...(i === 0 ? head : {}), payload: payload.subarray(i * mtu, (i + 1) * mtu) };
      if (!drop.includes(i)) this.request(opcode, psnAdd(psn, i), { ...fields, ackReq: i === packets - 1 });
    }
    return this;
  }

  private put(from: string, to: string, destQp: number, opcode: number, psn: number, fields: PacketFields): this {
    const { va, payload, ...rest } = fields;
    const packet = new Packet();
    Object.assign(packet, rest);
    packet.opcode = opcode;
    packet.destQp = destQp;
    packet.psn = psn;
    if (va !== undefined) packet.virtualAddress = va;
    if (payload !== undefined) packet.setPayload(payload);
    const path: FramePath = {
      sourceMac: new Uint8Array(6),
      destinationMac: new Uint8Array(6),
      source: parseAddress(from),
      destination: parseAddress(to),
      sourcePort: this.sourcePort ?? 0xc000 | (destQp & 0x3fff),
    };
    const bytes = new Uint8Array(frameBytes(path, packet));
    encodeFrame(path, packet, bytes);
    return this.frame(bytes);
  }

  frame(bytes: Uint8Array): this {
    this.records.push({ ns: this.ns, bytes });
    this.ns += this.stepNs;
    return this;
  }

  pause(ns: number): this {
    this.ns += ns;
    return this;
  }

  /** Interleaves another tap's frames by their times. */
  merge(other: Traffic): this {
    this.records.push(...other.records);
    this.records.sort((a, b) => a.ns - b.ns);
    this.ns = Math.max(this.ns, other.ns);
    return this;
  }

  file(): string {
    return pcapFile(this.records);
  }

  scan(): CaptureSummary {
    return scanCapture(this.file());
  }

  events(options: RequestOptions = {}): Events {
    return eventsOf(this.file(), options);
  }
}

export interface Events {
  readonly requests: readonly CapturedRequest[];
  readonly completions: readonly CapturedCompletion[];
  readonly end: CaptureEnd;
}

/** All events of a capture, and what its end had to say. */
export function eventsOf(path: string, options: RequestOptions = {}): Events {
  const requests: CapturedRequest[] = [];
  const completions: CapturedCompletion[] = [];
  const stream = readRequests(path, options);
  for (let step = stream.next(); ; step = stream.next()) {
    if (step.done === true) return { requests, completions, end: step.value };
    if (step.value.kind === 'request') requests.push(step.value.request);
    else completions.push(step.value.completion);
  }
}
