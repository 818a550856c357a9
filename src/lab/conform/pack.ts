import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Recording } from '../program/index.js';
import { kindOf } from './compare-run.js';
import { findRecordings, readRecordings } from './load-recordings.js';

/** A bundle that was written: its file, how many recordings it has, its size in bytes. */
export interface Bundle {
  readonly file: string;
  readonly recordings: number;
  readonly bytes: number;
}

/** Packs the recordings of some paths into one compressed bundle per kind, in the order of their names. */
export function packRecordings(paths: readonly string[], folder: string): Bundle[] {
  const byKind = new Map<string, Recording[]>();
  for (const recording of findRecordings(paths).flatMap(readRecordings)) {
    const kind = kindOf(recording.name);
    const packed = byKind.get(kind) ?? [];
    packed.push(recording);
    byKind.set(kind, packed);
  }
  mkdirSync(folder, { recursive: true });
  return [...byKind]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, recordings]) => {
      const sorted = recordings.sort((a, b) => (a.name < b.name ? -1 : 1));
      const data = brotliCompressSync(sorted.map((recording) => `${JSON.stringify(recording)}\n`).join(''), {
        params: { [constants.BROTLI_PARAM_LGWIN]: 24 },
      });
      const file = join(folder, `${kind}.jsonl.br`);
      writeFileSync(file, data);
      return { file, recordings: recordings.length, bytes: data.length };
    });
}
