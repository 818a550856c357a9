import type { CapturedRequest } from '../capture/index.js';
import type { SendWorkRequest } from '../../../devices/nic/index.js';
import type { KeyLife } from './memory-layout.js';

/** Where in the process a request goes, and by which key. */
export interface Target {
  readonly life: KeyLife;
  readonly address: number;
}

/**
 * A captured request as the work request that its program must have posted.
 * @param memory what it reaches; null if it names no memory
 * @param mark its number: also what its DMA operations carry
 */
export function workRequest(request: CapturedRequest, memory: Target | null, mark: number): SendWorkRequest {
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
  if (memory === null) return { ...base, remoteAddress: 0, rkey: request.rKey };
  const target = { remoteAddress: memory.address, rkey: memory.life.rKey };
  switch (operation) {
    case 'ATOMIC_CMP_AND_SWP':
    case 'ATOMIC_FETCH_AND_ADD':
      return { ...base, ...target, compare: request.compare ?? 0n, swapOrAdd: request.swapOrAdd ?? 0n };
    case 'FLUSH':
      return { ...base, ...target, placement: request.placement ?? 1, selectivity: request.selectivity ?? 0 };
    default:
      return { ...base, ...target };
  }
}
