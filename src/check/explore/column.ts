/** Values that change with the steps of an execution, and what they were before: so that steps can be taken back. */
export class Column<T> {
  private readonly values: T[] = [];
  private readonly changed: number[] = [];
  private readonly old: T[] = [];

  /** @param initial value of what has not been set */
  constructor(private readonly initial: T) {}

  /** Number of changes so far. */
  get changes(): number {
    return this.changed.length;
  }

  get(index: number): T {
    while (this.values.length <= index) this.values.push(this.initial);
    return this.values[index];
  }

  set(index: number, value: T): void {
    this.changed.push(index);
    this.old.push(this.get(index));
    this.values[index] = value;
  }

  /** Takes changes back until there are only so many. */
  rewind(changes: number): void {
    while (this.changed.length > changes) {
      const index = this.changed.pop() ?? 0;
      this.values[index] = this.old.pop() as T;
    }
  }
}
