import type { Output } from './output.js';

/** One line on stderr that is overwritten as work goes on, and gone when it is done. Nothing where nobody watches. */
export class Progress {
  private shown = '';

  constructor(private readonly output: Output) {}

  update(what: string, done: number, total: number): void {
    if (!this.output.showsProgress) return;
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const line = `${what} ${String(percent)} %`;
    if (line === this.shown) return;
    this.output.err(`\r${line.padEnd(this.shown.length)}`);
    this.shown = line;
  }

  clear(): void {
    if (this.shown === '') return;
    this.output.err(`\r${' '.repeat(this.shown.length)}\r`);
    this.shown = '';
  }
}
