/**
 * Random programs in the op language, valid by construction, of the kinds that were recorded.
 */
export { fuzzOne, type FuzzResult } from './fuzz.js';
export { KINDS } from './kinds.js';
