/**
 * Capture files: pcap and pcapng, frame by frame, in a window that slides over the file.
 *
 * Bytes, stamps and where they are in the file. Nothing here looks into a frame.
 */
export { CaptureError } from './capture-error.js';
export type { CaptureDamage, CapturePlace } from './capture-error.js';
export type { CapturedFrame } from './captured-frame.js';
export { FrameFile, readFrames } from './frame-file.js';
