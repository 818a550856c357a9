import type { CapturedRequest } from '../capture/index.js';
import type { SendWorkRequest } from '../../../devices/nic/index.js';
import type { KeyLife } from './memory-layout.js';

/** FETH selectivity: the whole region. */
const WHOLE_REGION = 1;

/**
 * A captured request as the work request that its program must have posted.
 * @param life the key that it uses; null if it names no memory
 * @param mark its number: also what its DMA operations carry
 */
export function workRequest(request: CapturedRequest, life: KeyLife | null, mark: number): SendWorkRequest {
  const { operation, payload, payloadMissing, immediate, invalidateRKey } = request;
  const base = {
    wrId: mark,
    mark,
    opcode: operation,
    // Of a message whose end was not captured, what was captured is sent.
    length: request.complete ? request.length : (payload?.length ?? 0),
    local: payload !== null && payloadMissing === 0 ? payload : null,
    ...(immediate === undefined ? {} : { immediate }),
    ...(invalidateRKey === undefined ? {} : { invalidateRkey: invalidateRKey }),
  };
  if (operation === 'SEND') return base;
  if (life === null) return { ...base, remoteAddress: 0, rkey: request.rKey };
  const remoteAddress = life.address + Number(request.remoteAddress - life.captured);
  const target = { remoteAddress, rkey: life.rKey };
  switch (operation) {
    case 'ATOMIC_CMP_AND_SWP':
    case 'ATOMIC_FETCH_AND_ADD':
      return { ...base, ...target, compare: request.compare ?? 0n, swapOrAdd: request.swapOrAdd ?? 0n };
    case 'FLUSH': {
      const { placement = 1, selectivity = 0 } = request;
      return { ...base, ...(selectivity === WHOLE_REGION ? wholeOf(life) : target), placement, selectivity };
    }
    default:
      return { ...base, ...target };
  }
}

function wholeOf({ address, rKey }: KeyLife): { readonly remoteAddress: number; readonly rkey: number } {
  return { remoteAddress: address, rkey: rKey };
}
