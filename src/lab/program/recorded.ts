import type { RawValue } from './arguments.js';

/** Pages of an area [first, end), or the whole address space. */
export type RecordedRange = readonly [first: number, end: number] | 'all';

/** One event, as PROGRAMS.md has it: which fields there are depends on the kind. */
export interface RecordedEvent {
  readonly kind: string;
  readonly event?: string;
  readonly map?: string;
  readonly range?: RecordedRange;
  readonly page?: number;
  readonly write?: boolean;
  readonly unshare?: boolean;
  readonly blockable?: boolean;
  readonly by?: string | undefined;
  readonly ret?: number | boolean;
  readonly retries?: number;
  readonly error?: string;
  readonly file_page?: number;
  readonly cleaned?: number;
}

/** A mapping: area, first page, end, rights, page of the file if it has one. */
export type RecordedVma = readonly [area: string, first: number, end: number, rights: string, filePage?: number];

/** What an op returned: nothing if all there is to say is that it succeeded. */
export type StepResult = Readonly<Record<string, unknown>>;

export interface RecordedStep {
  readonly do: Readonly<Record<string, RawValue>> & { readonly op: string };
  readonly result: StepResult;
  readonly events: readonly RecordedEvent[];
  /** Page states by area; only where they changed. */
  readonly pagemap?: Readonly<Record<string, string>>;
  readonly vmas?: readonly RecordedVma[];
}

/** First page, number of pages, the first byte of each; null if it cannot be read. */
export type ByteRun = readonly [first: number, pages: number, value: number | null];

/** What a file held in the end: the first byte of each page, or the runs that differ from the pattern. */
export interface FinalFile {
  readonly size: number;
  readonly cache?: readonly (number | null)[];
  readonly disk?: readonly (number | null)[];
  readonly cache_diff?: readonly ByteRun[];
  readonly disk_diff?: readonly ByteRun[];
  /** The lists were too long: they are right up to their last run. */
  readonly cut?: boolean;
}

/** A program and what a kernel did. */
export interface Recording {
  readonly name: string;
  readonly kernel: string;
  readonly program: readonly string[];
  readonly setup: {
    readonly page_size: number;
    readonly areas: readonly string[];
    readonly folios?: readonly number[];
  };
  readonly steps: readonly RecordedStep[];
  readonly final: Readonly<Record<string, FinalFile>>;
  /** Levels at which two runs of the kernel differed. */
  readonly unstable?: readonly string[];
  /** Two runs of the kernel differed in secondary-TLB events. */
  readonly t_unstable?: boolean;
}
