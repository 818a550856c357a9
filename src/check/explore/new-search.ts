import { ContextBoundSearch } from './context-bound-search.js';
import { DporSearch } from './dpor-search.js';
import type { ExploreOptions } from './explore-options.js';
import { NaiveSearch } from './naive-search.js';
import { PctSearch } from './pct-search.js';
import { RandomSearch } from './random-search.js';
import type { Search } from './search.js';
import { StateSearch } from './state-search.js';

/** The search that was asked for. */
export function newSearch(options: ExploreOptions, stepLimit: number): Search {
  const { search = 'dpor', preemptions = 2, depth = 3, seed = 1 } = options;
  switch (search) {
    case 'dpor':
      return new DporSearch(stepLimit);
    case 'states':
      return new StateSearch(stepLimit);
    case 'naive':
      return new NaiveSearch(stepLimit);
    case 'context-bound':
      return new ContextBoundSearch(stepLimit, preemptions);
    case 'pct':
      return new PctSearch(stepLimit, seed, depth);
    case 'random':
      return new RandomSearch(stepLimit, seed);
  }
}
