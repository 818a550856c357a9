/** One thing that can be done to memory which a device has mapped: the lines that show it, and what there is to know. */
export interface Operation {
  readonly title: string;
  /** Memory of the section on which it is shown; absent: the first. Where several do the same they are shown as one. */
  readonly on?: readonly string[];
  /** Lines between those of the section and what is shown. */
  readonly before?: readonly string[];
  /** The lines that are shown with their events, in order. */
  readonly lines: readonly string[];
  /** What surprises, and what the author of a driver must know. */
  readonly says: string;
  /** Recordings of Linux in which each of the lines, on each memory, had these events and this result. */
  readonly recorded: readonly string[];
}

/** Operations that are shown on the same machines. */
export interface Section {
  readonly title: string;
  readonly text: string;
  /** The line that maps the memory, by what the memory is called. */
  readonly memory: Readonly<Record<string, string>>;
  /** Lines behind it that all operations of the section begin with. */
  readonly setup: readonly string[];
  readonly operations: readonly Operation[];
}
