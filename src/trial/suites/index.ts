import type { Suite } from '../suite.js';
import { operations, programs } from './programs.js';
import { storms } from './storm.js';

/** All that a driver is tried with, in the order in which it is told. */
export const SUITES: readonly Suite[] = [operations, storms, programs];
