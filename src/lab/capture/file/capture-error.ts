/** Where in a capture file something is: `frame` counts from 1 as Wireshark does, `offset` in bytes from the file's start. */
export interface CapturePlace {
  readonly frame?: number;
  readonly offset?: number;
}

/** A capture file that cannot be used at all: not there, not a capture, or not of a kind that can carry RoCEv2. */
export class CaptureError extends Error {
  readonly path: string;
  readonly frame: number | undefined;
  readonly offset: number | undefined;

  constructor(path: string, problem: string, place: CapturePlace = {}) {
    super(`${path}: ${placePrefix(place)}${problem}`);
    this.name = 'CaptureError';
    this.path = path;
    this.frame = place.frame;
    this.offset = place.offset;
  }
}

function placePrefix({ frame, offset }: CapturePlace): string {
  const parts = [];
  if (frame !== undefined) parts.push(`frame ${frame}`);
  if (offset !== undefined) parts.push(`byte ${offset}`);
  return parts.length === 0 ? '' : `${parts.join(', ')}: `;
}

/**
 * Why reading stopped before the end of the file; the frames before it are good.
 * - `cut`: the file ends inside its last record, as when the disk was full or the capture is still being written;
 * - `damaged`: a length field cannot be right, and without it the next record cannot be found.
 */
export interface CaptureDamage {
  readonly kind: 'cut' | 'damaged';
  /** The frame that could not be read. */
  readonly frame: number;
  /** Where its record starts. */
  readonly offset: number;
  /** The rule that was broken and the value that broke it. */
  readonly problem: string;
}
