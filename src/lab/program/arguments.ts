import { AREA_PAGES } from './areas.js';

/** A value as the recorded form has it: numbers are numbers, a comma list of pages is an array, the rest is text. */
export type RawValue = string | number | readonly number[];

/** One argument of an op: how its text is read, and whether it may be left out. */
export interface Argument<T> {
  /** The value; undefined if the text is none. */
  readonly parse: (text: string) => RawValue | undefined;
  /** What it takes, for messages. */
  readonly takes: string;
  readonly required: boolean;
  /** Value of an argument that was left out. */
  readonly fallback: T;
}

/** The arguments of an op by name. */
export type ArgumentTable = Readonly<Record<string, Argument<RawValue | undefined>>>;

/** The values of a table of arguments, as an op handler gets them. */
export type ValuesOf<A extends ArgumentTable> = {
  readonly [K in keyof A]: A[K] extends Argument<infer T> ? T : never;
};

/** Largest number of a page, and most pages at once: what begins there ends in the same area. */
const MOST_PAGES = AREA_PAGES / 2;

const NUMBER = /^(?:0x[0-9a-f]+|\d+)$/i;
const WORD = /^[A-Za-z_][\w.-]*$/;

function parseNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function argument<T>(parse: Argument<T>['parse'], takes: string): Argument<T> {
  // Never asked for: a required argument is there.
  return { parse, takes, required: true, fallback: undefined as T };
}

function parseWithin(text: string, min: number, max: number): number | undefined {
  const value = parseNumber(text);
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

/** A whole number, decimal or 0x. */
export function number(min = 0, max = Number.MAX_SAFE_INTEGER): Argument<number> {
  const bounds =
    (min > 0 ? ` from ${String(min)}` : '') + (max < Number.MAX_SAFE_INTEGER ? ` up to ${String(max)}` : '');
  return argument((text) => parseWithin(text, min, max), `a whole number${bounds}, decimal or 0x`);
}

/** The value of a byte. */
export function byte(): Argument<number> {
  return argument((text) => parseWithin(text, 0, 0xff), 'the value of a byte, 0 to 255 or 0xff');
}

/** A page of an area or a file, or how many. */
export function pageNumber(): Argument<number> {
  return number(0, MOST_PAGES);
}

/** The name of an area, a file, a memory region or a process. */
export function name(what: string): Argument<string> {
  return argument((text) => (WORD.test(text) ? text : undefined), `the name of ${what}`);
}

/** One of a few words or numbers. */
export function choice<const T extends string | number>(...choices: readonly T[]): Argument<T> {
  const byText = new Map<string, T>(choices.map((value) => [String(value), value]));
  return argument((text) => byText.get(text), `one of ${choices.join(', ')}`);
}

/** Some of a few words, with commas. */
export function flags(...words: readonly string[]): Argument<string> {
  return argument(
    (text) => (text.split(',').every((word) => words.includes(word)) ? text : undefined),
    `some of ${words.join(', ')}, with commas`,
  );
}

/** A page, or several with commas. */
export function pageList(): Argument<number | readonly number[]> {
  return argument(
    (text) => {
      const pages = text.split(',').map((word) => parseWithin(word, 0, MOST_PAGES));
      if (!pages.every((page) => page !== undefined)) return undefined;
      return pages.length === 1 ? pages[0] : pages;
    },
    `a page up to ${String(MOST_PAGES)}, or several with commas`,
  );
}

export function optional<T>(of: Argument<T>): Argument<T | undefined> {
  return { ...of, required: false, fallback: undefined };
}

export function withDefault<T>(of: Argument<T>, fallback: T): Argument<T> {
  return { ...of, required: false, fallback };
}
