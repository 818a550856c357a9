import type { CaptureDamage } from './file/index.js';
import type { CaptureEvent, CompletionRecord, RequestRecord, RequestSink } from './flows/index.js';
import { EventQueue, FlowTable } from './flows/index.js';
import { RoceReader, StreamPacket } from './packets/index.js';
import type { IcrcPolicy, Skip } from './packets/index.js';

/** How a capture is read. */
export interface CaptureOptions {
  /** What to do with packets whose ICRC is wrong. Default `check`: leave them out, as a NIC does. */
  readonly icrc?: IcrcPolicy;
  /** Called about once per MiB and at the end, with bytes of the file. */
  readonly onProgress?: (bytesRead: number, totalBytes: number) => void;
}

/** How its requests are read. */
export interface RequestOptions extends CaptureOptions {
  /** Collect the payload of SENDs and RDMA WRITEs. Default true. */
  readonly payloads?: boolean;
}

/** What the end of a capture leaves to say. */
export interface CaptureEnd {
  readonly frames: number;
  readonly packets: number;
  readonly requests: number;
  readonly skips: readonly Skip[];
  readonly damage: CaptureDamage | undefined;
}

const PROGRESS_BYTES = 1 << 20;

/** Requests and completions of a capture in order of time, as records that the scan reads without copying them. */
export class RequestStream {
  readonly reader: RoceReader;
  readonly table: FlowTable;
  requests = 0;
  private readonly queue = new EventQueue();
  private readonly packet: StreamPacket;
  private readonly onProgress: CaptureOptions['onProgress'];
  private reported = 0;
  private ended = false;

  /** @throws CaptureError when the file cannot be read or is not a capture. */
  constructor(path: string, options: RequestOptions) {
    this.reader = new RoceReader(path, options.icrc ?? 'check');
    this.onProgress = options.onProgress;
    this.packet = new StreamPacket(this.reader.packet);
    const sink: RequestSink = {
      queue: this.queue,
      skips: this.reader.skips,
      collectPayloads: options.payloads ?? true,
    };
    this.table = new FlowTable(sink);
  }

  /** The next record; undefined at the end of the capture. */
  next(): RequestRecord | CompletionRecord | undefined {
    for (;;) {
      const record = this.queue.shift();
      if (record !== undefined) {
        if (record.kind === 'request') record.index = this.requests++;
        return record;
      }
      if (this.ended) return undefined;
      this.advance();
    }
  }

  get end(): CaptureEnd {
    const { frames, packets, skips, file } = this.reader;
    return { frames, packets, requests: this.requests, skips: skips.list(), damage: file.damage };
  }

  close(): void {
    this.reader.file.close();
  }

  private advance(): void {
    const { reader } = this;
    if (reader.next()) {
      this.table.accept(reader, this.packet.follow(reader));
      if (reader.file.bytesRead - this.reported >= PROGRESS_BYTES) this.report();
    } else {
      this.ended = true;
      this.table.finish();
      this.report();
    }
  }

  private report(): void {
    this.reported = this.reader.file.bytesRead;
    this.onProgress?.(this.reported, this.reader.file.totalBytes);
  }
}

/**
 * The verbs-level requests of a capture, lazily, and the responses that ended them.
 *
 * Requests come in the order of their first packets, each when its last packet has been read. Completions come in order of
 * time between them, always after their request; only where several queue pairs use the same PSNs, it may take further
 * packets to tell whose a response was, and its completion comes later than its time.
 * What the wait may hold is bounded, so a capture of any size is read in little memory. Every request has its own payload
 * buffer and may be kept.
 * @throws CaptureError when the file cannot be read or is not a capture. Damage further on ends the sequence early and is
 * told by the value it returns.
 */
export function* readRequests(path: string, options: RequestOptions = {}): Generator<CaptureEvent, CaptureEnd, void> {
  const stream = new RequestStream(path, options);
  try {
    for (let record = stream.next(); record !== undefined; record = stream.next()) {
      yield record.kind === 'request'
        ? { kind: 'request', request: record.toCapturedRequest() }
        : { kind: 'completion', completion: record.toCapturedCompletion() };
    }
    return stream.end;
  } finally {
    stream.close();
  }
}
