const COMPRESSED: readonly (readonly [magic: readonly number[], what: string, tool: string])[] = [
  [[0x1f, 0x8b], 'gzip', 'gunzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'unzstd'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz', 'unxz'],
  [[0x42, 0x5a, 0x68], 'bzip2', 'bunzip2'],
  [[0x04, 0x22, 0x4d, 0x18], 'lz4', 'unlz4'],
  [[0x50, 0x4b, 0x03, 0x04], 'zip', 'unzip'],
];

const OTHER_CAPTURES: readonly (readonly [magic: readonly number[], what: string])[] = [
  [[0x34, 0xcd, 0xb2, 0xa1], 'pcap as modified by Kuznetsov'],
  [[0xa1, 0xb2, 0xcd, 0x34], 'pcap as modified by Kuznetsov'],
  [[0x73, 0x6e, 0x6f, 0x6f, 0x70, 0x00], 'snoop'],
  [[0x47, 0x4d, 0x42, 0x55], 'NetMon'],
];

/** Says what a file is that starts with these bytes and is neither pcap nor pcapng, and what to do about it. */
export function describeMagic(head: Uint8Array): string {
  const startsWith = (magic: readonly number[]): boolean => magic.every((byte, i) => head[i] === byte);
  for (const [magic, what, tool] of COMPRESSED) {
    if (startsWith(magic)) return `this is ${what} data, not a capture: unpack it first (${tool})`;
  }
  for (const [magic, what] of OTHER_CAPTURES) {
    if (startsWith(magic)) return `${what} files are not supported: convert it first (editcap -F pcap)`;
  }
  const hex = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text =
    head.length > 0 && head.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127));
  return `not a pcap or pcapng capture: it begins with ${text ? 'text' : 'the bytes'} ${text ? JSON.stringify(String.fromCharCode(...head)) : hex}`;
}
