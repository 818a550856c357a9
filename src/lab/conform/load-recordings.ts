import { readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Recording } from '../program/index.js';

/** A file with one recording, or with several, one a line. */
export type RecordingFile = string;

const ENDINGS = /\.(?:json|jsonl)(?:\.gz|\.br)?$/;

/** The files of a path: itself, or those in and below the folder, in order. @throws Error if it cannot be read */
export function findRecordings(path: string): RecordingFile[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return findRecordings(child);
      return ENDINGS.test(entry.name) ? [child] : [];
    });
}

/** The recordings of a file, compressed or not. @throws Error if it is none */
export function readRecordings(file: RecordingFile): Recording[] {
  const text = decompress(file, readFileSync(file)).toString('utf8');
  const parts = /\.jsonl(?:\.gz|\.br)?$/.test(file) ? text.split('\n').filter((line) => line !== '') : [text];
  return parts.map((part) => {
    const value = JSON.parse(part) as Partial<Recording>;
    if (!Array.isArray(value.program) || !Array.isArray(value.steps)) throw new Error(`${file} is no recording`);
    return value as Recording;
  });
}

function decompress(file: RecordingFile, data: Buffer): Buffer {
  const ending = extname(file);
  if (ending === '.gz') return gunzipSync(data);
  return ending === '.br' ? brotliDecompressSync(data) : data;
}
