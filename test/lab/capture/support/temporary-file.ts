import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'pinless-capture-'));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file with these bytes that lives until the tests of the file are over. */
export function temporaryFile(bytes: Uint8Array, name = `${files++}.pcap`): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A path in the temporary folder at which nothing is. */
export function temporaryPath(name: string): string {
  return join(folder, name);
}
