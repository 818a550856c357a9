import type { Budget } from './explore-options.js';

/** Watches a budget. */
export class BudgetWatch {
  private readonly deadline: number;

  constructor(private readonly budget: Budget) {
    const { time } = budget;
    this.deadline = time === undefined ? Infinity : time.clock() + time.limit;
  }

  /** What has run out, in words; null if nothing has. */
  exceeded(executions: number, steps: number, states: number): string | null {
    const { budget } = this;
    if (budget.executions !== undefined && executions >= budget.executions)
      return plural(budget.executions, 'execution');
    if (budget.states !== undefined && states >= budget.states) return plural(budget.states, 'state');
    if (budget.steps !== undefined && steps >= budget.steps) return plural(budget.steps, 'step');
    if (budget.time === undefined) return null;
    return budget.time.clock() >= this.deadline
      ? `${String(budget.time.limit)} ${budget.time.unit ?? 'of the clock'}`
      : null;
  }
}

export function plural(count: number, what: string): string {
  const ending = count === 1 ? '' : /(s|ch)$/.test(what) ? 'es' : 's';
  return `${count.toLocaleString('en-US')} ${what}${ending}`;
}
