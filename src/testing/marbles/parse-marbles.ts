import { TestScheduler } from 'rxjs/testing';
import { MS, SEC, US } from '../../engine/index.js';
import { TraceError } from '../trace-error.js';

/** A marble in a diagram. */
export interface Marble {
  /** Virtual ns from frame 0 on. */
  readonly at: number;
  readonly letter: 'S' | 'R' | 'E' | 'X';
  readonly number: number;
}

export interface Diagram {
  readonly marbles: readonly Marble[];
  /** True if it says that nothing follows. */
  readonly completes: boolean;
}

/** RxJS's parser; a frame is its unit of time here. */
class Frames extends TestScheduler {
  static override frameTimeFactor = 1;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: US, ms: MS, s: SEC };

/** A marble, a stretch of time, and what is RxJS's own. */
const TOKEN = /([SREX])(\d+)|(\d+(?:\.\d+)?)(ns|us|ms|s)(?= |$)|[-|^() ]/y;

/** First of the characters that stand for marbles while RxJS parses: its marbles are single characters. */
const PRIVATE = 0xe000;

/**
 * A marble diagram in RxJS's syntax, except that a marble is a letter and a number, which takes as many frames as it has
 * characters, and that stretches of time may be in ns and us.
 *
 * @param frame virtual ns of a frame
 * @throws TraceError if it is none
 */
export function parseMarbles(diagram: string, frame: number): Diagram {
  if (!(Number.isInteger(frame) && frame > 0)) {
    throw new TraceError(`a marble diagram needs the length of a frame, { frame: 1 * US }, not ${String(frame)}`);
  }
  const names: { readonly letter: Marble['letter']; readonly number: number }[] = [];
  let single = '';
  /** Frames that the names of a group take beyond one each: null outside of groups. */
  let surplus: number | null = null;
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < diagram.length;) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(diagram);
    if (token === null) throw noToken(diagram, at);
    const [text] = token;
    const [, letter, number, time, unit] = token as readonly (string | undefined)[];
    if (letter !== undefined) {
      names.push({ letter: letter as Marble['letter'], number: Number(number) });
      single += String.fromCharCode(PRIVATE + names.length - 1);
      if (surplus === null) single += '-'.repeat(text.length - 1);
      else surplus += text.length - 1;
    } else if (time !== undefined) {
      // RxJS knows ms: one is a frame here.
      single += ` ${((Number(time) * UNITS[unit ?? 's']) / frame).toFixed(6)}ms `;
    } else if (text === '(') {
      surplus = 0;
      single += text;
    } else if (text === ')') {
      single += `)${'-'.repeat(surplus ?? 0)}`;
      surplus = null;
    } else if (text !== ' ' || surplus === null) {
      single += text;
    }
  }
  const over = diagram.indexOf('|');
  if (over < 0 && names.length === 0) throw new TraceError(`'${diagram}' says nothing: it has no marble and no |`);
  if (over >= 0 && diagram.slice(over + 1).trim() !== '') throw noToken(diagram, over + 1);
  if (surplus !== null) throw noToken(diagram, diagram.lastIndexOf('('));
  const messages = Frames.parseMarbles(single, undefined, undefined, false, true);
  const marbles: Marble[] = [];
  for (const { frame: at, notification } of messages) {
    if (notification.kind !== 'N') continue;
    marbles.push({ at: Math.round(at * frame), ...names[(notification.value as string).charCodeAt(0) - PRIVATE] });
  }
  return { marbles, completes: messages.some(({ notification }) => notification.kind === 'C') };
}

function noToken(diagram: string, at: number): TraceError {
  const why =
    'a marble is S, R, E or X (start, return of the start, end, refusal) and a number; - is a frame, ( ) are at one time, ' +
    '5us is a stretch between spaces, | says that nothing follows';
  return new TraceError(`no marble diagram at "${diagram.slice(at)}" of '${diagram}': ${why}`);
}
