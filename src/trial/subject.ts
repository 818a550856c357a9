import {
  capabilitiesOf,
  pluggedIn,
  type Capability,
  type DriverPlugin,
  type PluggedIn,
} from '../../devices/contract/index.js';

/** A plugin that is tried, and what it says of itself. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly tried: PluggedIn;
  readonly capabilities: ReadonlySet<Capability>;
  /** True if it pins what it maps: then the rules of mmu notifiers do not bind it. */
  readonly pins: boolean;
}

/** @throws Error if the plugin makes nothing, or declares what there is not */
export function subjectOf(plugin: DriverPlugin): Subject {
  const { name, title, onDemandPaging } = plugin.manifest;
  return { name, title, tried: pluggedIn(plugin), capabilities: capabilitiesOf(plugin), pins: !onDemandPaging };
}
