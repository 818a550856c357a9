/**
 * Floor 8. The `pinless` command: options in, a report out, an exit status.
 *
 * Only wiring: what a command does is in the floors below.
 */
export { run } from './run.js';
