/** A program in the op language cannot be used: where, what is wrong, and what would be right. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';

  constructor(
    /** Line of the text, from 1. */
    readonly line: number,
    /** Column of the word that is wrong, from 1. */
    readonly column: number,
    readonly reason: string,
  ) {
    super(`line ${String(line)}, column ${String(column)}: ${reason}`);
  }
}

/** The program is right, but the emulator has no model of what it asks for. */
export class NotModelled extends Error {
  override readonly name = 'NotModelled';
}
