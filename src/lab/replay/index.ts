/**
 * Replays: the hosts of a capture in the emulator, their memory as files, their keys over time, and its requests posted
 * on emulated queue pairs.
 *
 * Nothing here judges what comes of it, or knows which driver a host has.
 */
export { Connections } from './connections.js';
export { HostLayout, KeyLife, layOut } from './memory-layout.js';
export type { Segment } from './place-segments.js';
export { ReplayClock } from './replay-clock.js';
export { ReplayHost } from './replay-host.js';
export { RegistrationRefused } from './key-schedule.js';
export { NOT_POSTED_TEXT, type NotPosted, type NotPostedReason } from './not-posted.js';
export { Replayer, type CompletionListener, type ReplayOptions } from './replayer.js';
