import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { temporaryFile } from './temporary-file.js';

const fixtures = fileURLToPath(new URL('../../../fixtures/captures/', import.meta.url));
const shipped = fileURLToPath(new URL('../../../../captures/', import.meta.url));

/** What another reader, which shares no code with ours, counted in a capture. */
export interface Oracle {
  readonly application: string;
  readonly pathMtu: number;
  readonly packets: number;
  readonly fileBytes: number;
  readonly wireBytes: number;
  readonly truncatedFrames: number;
  readonly durationUs: number;
  readonly startUs: number;
  readonly icrc: { readonly valid: number; readonly wrong: number; readonly validRxeFlush: number };
  readonly opcodes: Readonly<Record<string, number>>;
  readonly messages: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly outOfSequence: number;
  readonly rnrNaks: number;
  readonly sequenceNaks: number;
  readonly sendsWithInvalidate: number;
  readonly immediates: number;
  readonly remoteMemory: readonly OracleKey[];
  readonly queuePairs: readonly OracleQueuePair[];
}

export interface OracleKey {
  readonly owner: string;
  readonly rkey: string;
  readonly minVa: string;
  readonly maxVa: string;
  readonly writes: number;
  readonly bytesWritten: number;
  readonly reads: number;
  readonly bytesRead: number;
  readonly atomics: number;
  readonly flushes: number;
  readonly pagesWritten: number;
  readonly pagesRead: number;
  readonly qpns: readonly number[];
  readonly firstUs: number;
  readonly lastUs: number;
}

export interface OracleQueuePair {
  readonly requester: string;
  readonly responder: string;
  readonly responderQpn: number;
  readonly requesterQpn: number;
  readonly requestPackets: number;
  readonly duplicates: number;
  readonly outOfSequence: number;
  readonly rnrNaks: number;
  readonly messages: Readonly<Record<string, number>>;
  readonly payloadBytes: number;
  readonly startPsn: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

/** Names of the captures there are fixtures of. */
export const captureNames: readonly string[] = readdirSync(fixtures)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort();

export function oracleOf(name: string): Oracle {
  return JSON.parse(readFileSync(`${fixtures}${name}.json`, 'utf8')) as Oracle;
}

/** The bytes of a capture: shipped with the package as they are, or compressed among the fixtures. */
export function captureBytes(name: string): Buffer {
  if (readdirSync(shipped).includes(`${name}.pcap`)) return readFileSync(`${shipped}${name}.pcap`);
  return brotliDecompressSync(readFileSync(`${fixtures}${name}.pcap.br`));
}

const unpacked = new Map<string, string>();

/** Path of the capture, uncompressed. */
export function capturePath(name: string): string {
  let path = unpacked.get(name);
  if (path === undefined) {
    path = temporaryFile(captureBytes(name), `${name}.pcap`);
    unpacked.set(name, path);
  }
  return path;
}
