import { readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { messageOf } from '../../engine/index.js';
import type { Recording } from '../program/index.js';

/** A file with one recording, or with several, one a line. */
export type RecordingFile = string;

const ENDINGS = /\.(?:json|jsonl)(?:\.gz|\.br)?$/;

/** The files of paths: themselves, or those in and below the folders, in order. @throws Error for a path without any */
export function findRecordings(paths: readonly string[]): RecordingFile[] {
  return paths.flatMap((path) => {
    const found = filesOf(path);
    if (found.length === 0) throw new Error(`there are no recordings in ${path}`);
    return found;
  });
}

function filesOf(path: string): RecordingFile[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return filesOf(child);
      return ENDINGS.test(entry.name) ? [child] : [];
    });
}

/** The recordings of a file, compressed or not. @throws Error if it is none */
export function readRecordings(file: RecordingFile): Recording[] {
  try {
    const text = decompress(file, readFileSync(file)).toString('utf8');
    const parts = /\.jsonl(?:\.gz|\.br)?$/.test(file) ? text.split('\n').filter((line) => line !== '') : [text];
    return parts.map((part) => {
      const value: unknown = JSON.parse(part);
      if (!isRecording(value)) throw new Error('this is no recording');
      return value;
    });
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`);
  }
}

/** Whether all is there that a comparison looks at. */
function isRecording(value: unknown): value is Recording {
  if (!isObject(value)) return false;
  const { name, program, steps, final } = value as Partial<Record<keyof Recording, unknown>>;
  return (
    typeof name === 'string' &&
    Array.isArray(program) &&
    program.every((line) => typeof line === 'string') &&
    Array.isArray(steps) &&
    steps.every((step) => isObject(step) && 'events' in step && Array.isArray(step.events)) &&
    steps.every((step) => isObject(step) && 'result' in step && isObject(step.result)) &&
    isObject(final)
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function decompress(file: RecordingFile, data: Buffer): Buffer {
  const ending = extname(file);
  if (ending === '.gz') return gunzipSync(data);
  return ending === '.br' ? brotliDecompressSync(data) : data;
}
