/** The result is not what it must be. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected';
}

/** The run would go on for ever. */
export class Endless extends Error {
  override readonly name = 'Endless';
}

/** What results are made of. */
type Comparable = string | number | bigint | boolean | null;

/** @throws Unexpected */
export function expectEqual(what: string, found: Comparable, expected: Comparable): void {
  if (found === expected) return;
  throw new Unexpected(`${what}: expected ${worded(expected)}, found ${worded(found)}`);
}

/** @throws Unexpected at the first page that differs */
export function expectPages(what: string, found: readonly number[], value: (page: number) => number): void {
  for (const [page, byte] of found.entries()) expectEqual(`${what}, page ${String(page)}`, byte, value(page) & 0xff);
}

/** @throws Unexpected at the first byte that differs */
export function expectBytes(what: string, found: Uint8Array, expected: Uint8Array): void {
  expectEqual(`${what}: length`, found.length, expected.length);
  const at = found.findIndex((byte, i) => byte !== expected[i]);
  if (at >= 0) expectEqual(`${what}: byte ${String(at)} of ${String(found.length)}`, found[at], expected[at]);
}

function worded(value: Comparable): string {
  return value === null ? 'success' : String(value);
}
