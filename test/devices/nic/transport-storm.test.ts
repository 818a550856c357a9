import type { WcStatus } from '../../../devices/nic/index.js';
import { TransportStorm } from '../../support/transport-storm.js';

const SUCCESS: WcStatus = 'IBV_WC_SUCCESS';

/** Runs the storm of a seed and says what is wrong with it; the seed replays it. */
function faultsOf(seed: number): string[] {
  const storm = new TransportStorm(seed);
  const ended = storm.run();
  const faults = [...storm.broken];
  if (!ended) faults.push(`only ${String(storm.statuses.length)} requests ended`);

  const { planted, statuses } = storm;
  const failed = statuses.findIndex((status) => status !== SUCCESS);
  const { posted, inMemory } = storm.counted;
  if (planted === null) {
    if (failed >= 0) faults.push(`request ${String(failed)} ended in ${statuses[failed]}`);
    if (inMemory !== posted) faults.push(`${String(posted)} atomics counted to ${String(inMemory)}`);
  } else {
    const right = failed === planted.index && statuses[failed] === planted.status;
    // Of a responder that has given up nothing more is heard: of a refusal that was lost, of an answer before it.
    const unheard = !planted.local && failed >= 0 && failed <= planted.index && storm.mayMissAnswer(failed);
    if (!right && !(unheard && statuses[failed] === 'IBV_WC_RETRY_EXC_ERR')) {
      faults.push(
        `request ${String(planted.index)} should end in ${planted.status}; ${String(failed)} is the first that failed`,
      );
    }
    if (statuses.slice(failed + 1).some((status) => status !== 'IBV_WC_WR_FLUSH_ERR')) {
      faults.push(`behind the failure: ${statuses.slice(failed + 1).join(' ')}`);
    }
    if (inMemory > posted) faults.push(`${String(posted)} atomics counted to ${String(inMemory)}`);
  }
  return faults.map((fault) => `seed ${String(seed)}: ${fault}`);
}

it('whatever is lost, late, missing or wrong, every request ends as it must and success means what it says', () => {
  const faults: string[] = [];
  for (let seed = 1; seed <= 150; seed++) faults.push(...faultsOf(seed));
  expect(faults).toEqual([]);
});

it('the same seed is the same storm', () => {
  const [first, second] = [7, 7].map((seed) => {
    const storm = new TransportStorm(seed);
    storm.run();
    return { statuses: storm.statuses, ...storm.counted, ...storm.counters };
  });
  expect(second).toEqual(first);
});
