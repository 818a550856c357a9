import { MS, US, formatNs } from '../../engine/index.js';
import type { RangeEvent } from './range-events.js';

/** Frames in a row that are drawn as such; more are told as a time. */
const DRAWN = 12;

/** Longest diagram that is shown. */
const WIDTH = 100;

/**
 * What happened as a marble diagram: in these frames, or, where marbles would lie upon each other, in shorter ones, which
 * it then says. A long one is cut.
 */
export function drawMarbles(events: readonly RangeEvent[], from: number, frame: number): string {
  for (let parts = 1; parts <= frame; parts = next(parts)) {
    if (frame % parts !== 0) continue;
    const finer = frame / parts;
    const drawn = inFrames(events, from, finer);
    if (drawn !== null) return parts === 1 ? drawn : `${drawn}   (in frames of ${formatNs(finer)})`;
  }
  return 'what is too fast to be drawn';
}

/** 1, 2, 5, 10, 20, 50, … */
function next(parts: number): number {
  return String(parts).startsWith('2') ? parts * 2.5 : parts * 2;
}

/** Null if it cannot be drawn in these frames. */
function inFrames(events: readonly RangeEvent[], from: number, frame: number): string | null {
  let diagram = '';
  let cursor = 0;
  for (let i = 0; i < events.length;) {
    const at = Math.floor((events[i].event.time - from) / frame);
    const group: string[] = [];
    for (; i < events.length && Math.floor((events[i].event.time - from) / frame) === at; i++) {
      group.push(`${events[i].letter}${String(events[i].number)}`);
    }
    if (at < cursor) return null;
    diagram += gap(at - cursor, frame);
    const drawn = group.length === 1 ? group[0] : `(${group.join(' ')})`;
    diagram += drawn;
    cursor = at + drawn.replaceAll(' ', '').length;
    if (diagram.length > WIDTH) return `${diagram} …`.trim();
  }
  return `${diagram}|`.trim();
}

function gap(frames: number, frame: number): string {
  if (frames <= DRAWN) return '-'.repeat(frames);
  const ns = frames * frame;
  const time = ns % MS === 0 ? `${String(ns / MS)}ms` : ns % US === 0 ? `${String(ns / US)}us` : `${String(ns)}ns`;
  return ` ${time} `;
}
