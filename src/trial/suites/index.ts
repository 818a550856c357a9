import type { Suite } from '../suite.js';
import { gaps } from './gaps.js';
import { hmmTests } from './hmm-tests.js';
import { mmuStressTest } from './mmu-stress-test.js';
import { operations, programs } from './programs.js';
import { storms } from './storm.js';
import { testOdp } from './test-odp.js';

/**
 * All that a driver is tried with, in the order in which it is told: what reads best first. One more is a file beside these and a
 * name here.
 */
export const SUITES: readonly Suite[] = [hmmTests, testOdp, mmuStressTest, gaps, operations, storms, programs];
