/** Link-layer header types of capture files that can carry RoCEv2, by their numbers in the LINKTYPE_ registry. */
export const LinkType = {
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LINUX_SLL: 113,
  ERF: 197,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'BSD loopback'],
  [LinkType.ETHERNET, 'Ethernet'],
  [6, 'token ring'],
  [9, 'PPP'],
  [LinkType.RAW_BSD, 'raw IP'],
  [LinkType.RAW_OPENBSD, 'raw IP'],
  [LinkType.RAW, 'raw IP'],
  [105, 'IEEE 802.11'],
  [108, 'OpenBSD loopback'],
  [LinkType.LINUX_SLL, 'Linux cooked'],
  [127, 'IEEE 802.11 radiotap'],
  [147, 'user 0'],
  [189, 'Linux USB'],
  [LinkType.ERF, 'ERF'],
  [LinkType.IPV4, 'raw IPv4'],
  [LinkType.IPV6, 'raw IPv6'],
  [247, 'InfiniBand'],
  [249, 'USBPcap'],
  [253, 'Linux netlink'],
  [LinkType.LINUX_SLL2, 'Linux cooked v2'],
]);

const SUPPORTED: ReadonlySet<number> = new Set(Object.values(LinkType));

export function isSupportedLinkType(linkType: number): boolean {
  return SUPPORTED.has(linkType);
}

/** `Ethernet (1)`; a number without a name here is only the number. */
export function linkTypeName(linkType: number): string {
  const name = NAMES.get(linkType);
  return name === undefined ? `linktype ${linkType}` : `${name} (linktype ${linkType})`;
}
