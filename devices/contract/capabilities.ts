import { pluggedIn, type DriverPlugin } from './driver-plugin.js';

/**
 * What the driver of a NIC may say that it can do, in ibverbs' words: ibv_odp_general_caps, ibv_odp_transport_cap_bits of
 * RC, ibv_advise_mr_advice, and the flag of registrations of huge pages.
 */
export const NIC_CAPABILITIES = [
  'IBV_ODP_SUPPORT',
  'IBV_ODP_SUPPORT_IMPLICIT',
  'IBV_ODP_SUPPORT_SEND',
  'IBV_ODP_SUPPORT_RECV',
  'IBV_ODP_SUPPORT_WRITE',
  'IBV_ODP_SUPPORT_READ',
  'IBV_ODP_SUPPORT_ATOMIC',
  'IBV_ODP_SUPPORT_SRQ_RECV',
  'IBV_ODP_SUPPORT_FLUSH',
  'IBV_ODP_SUPPORT_ATOMIC_WRITE',
  'IBV_ADVISE_MR_ADVICE_PREFETCH',
  'IBV_ACCESS_HUGETLB',
] as const;

/** What a device with shared virtual memory may say that it can do besides reading and writing, in test_hmm's words. */
export const SVM_CAPABILITIES = ['SNAPSHOT', 'EXCLUSIVE', 'MIGRATE'] as const;

/** One of NIC_CAPABILITIES. */
export type NicCapability = (typeof NIC_CAPABILITIES)[number];
/** One of SVM_CAPABILITIES. */
export type SvmCapability = (typeof SVM_CAPABILITIES)[number];
/** What a manifest may declare: of a NIC driver the one, of a device of its own the other. */
export type Capability = NicCapability | SvmCapability;

/** What DeviceDriver obliges everybody to: the NIC carries out the requests, the driver brings the pages. */
export const EVERY_NIC_DRIVER: readonly NicCapability[] = [
  'IBV_ODP_SUPPORT_SEND',
  'IBV_ODP_SUPPORT_RECV',
  'IBV_ODP_SUPPORT_WRITE',
  'IBV_ODP_SUPPORT_READ',
  'IBV_ODP_SUPPORT_ATOMIC',
  'IBV_ODP_SUPPORT_FLUSH',
  'IBV_ODP_SUPPORT_ATOMIC_WRITE',
];

/**
 * What a plugin's driver can do: what its manifest declares, or, if that says nothing, what the contract obliges everybody to.
 *
 * @throws Error for a capability that there is not, or not for its kind, or that contradicts `onDemandPaging`; for a
 *   device with shared virtual memory that does not follow notifiers: nothing would bind it
 */
export function capabilitiesOf(plugin: DriverPlugin): ReadonlySet<Capability> {
  const { name, capabilities, onDemandPaging } = plugin.manifest;
  const isNic = pluggedIn(plugin).kind === 'nic-driver';
  if (!isNic && !onDemandPaging) {
    throw new Error(
      `manifest of "${name}": a device with shared virtual memory follows notifiers: onDemandPaging is true`,
    );
  }
  if (capabilities === undefined) {
    if (!isNic) return new Set();
    return new Set<Capability>(onDemandPaging ? ['IBV_ODP_SUPPORT', ...EVERY_NIC_DRIVER] : EVERY_NIC_DRIVER);
  }
  const known: readonly Capability[] = isNic ? NIC_CAPABILITIES : SVM_CAPABILITIES;
  const declared: unknown = capabilities;
  if (!Array.isArray(declared)) {
    throw new Error(`manifest of "${name}": capabilities must be a list of names, and is ${typeof capabilities}`);
  }
  const unknown = capabilities.find((one) => !known.includes(one));
  if (unknown !== undefined) {
    const kind = isNic ? 'driver of a NIC' : 'device with shared virtual memory';
    throw new Error(`manifest of "${name}": "${unknown}" is no capability of a ${kind}; there are ${known.join(', ')}`);
  }
  if (capabilities.includes('IBV_ODP_SUPPORT') && !onDemandPaging) {
    throw new Error(`manifest of "${name}": IBV_ODP_SUPPORT needs onDemandPaging: true`);
  }
  return new Set(capabilities);
}
