import { isErrno } from '../../../src/base/index.js';
import type { Task } from '../../../src/engine/index.js';
import type { AdviseMrAdvice, AdviseMrSge, MemoryRegion } from '../../../devices/contract/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

const PAGE = 4096;

function* advise(
  pair: RdmaPair,
  advice: AdviseMrAdvice,
  sge: AdviseMrSge,
  { flush = true }: { readonly flush?: boolean } = {},
): Task {
  yield* pair.driver.adviseMr!({ advice, flush, sgList: [sge] });
}

function pages({ mkey }: MemoryRegion, first: number, count: number): AdviseMrSge {
  return { lkey: mkey.rkey, address: mkey.iova + first * PAGE, length: count * PAGE };
}

/** Page faults of the device that a request causes after what was advised. */
function faultsOf(advice: AdviseMrAdvice, kind: 'read' | 'write', touched = false): number {
  const pair = new RdmaPair();
  return pair.run(
    (function* (): Task<number> {
      const region = yield* pair.register();
      if (touched) yield* pair.world.kernel.store(pair.process, BASE, PAGE);
      yield* advise(pair, advice, pages(region, 0, 1));
      yield* kind === 'write' ? pair.write(region, 0, pattern(64)) : pair.read(region, 0, 64);
      return pair.driver.stats.faults;
    })(),
  );
}

/** The error number with which something is refused. */
function refusal(
  make: (region: MemoryRegion) => AdviseMrSge,
  advice: AdviseMrAdvice = 'PREFETCH',
  access = 0xf,
): string {
  const pair = new RdmaPair();
  try {
    pair.run(
      (function* (): Task {
        const region = yield* pair.register({ access });
        yield* advise(pair, advice, make(region));
      })(),
    );
    return 'none';
  } catch (error) {
    const cause = (error as Error).cause;
    return isErrno(cause) ? cause.code : String(cause);
  }
}

describe('ibv_advise_mr of an ODP region', () => {
  it.each([
    ['PREFETCH', 'read', 0],
    // What was brought for reading must be asked for again: the device may not write it.
    ['PREFETCH', 'write', 1],
    ['PREFETCH_WRITE', 'write', 0],
    ['PREFETCH_NO_FAULT', 'read', 1],
  ] as const)('%s of an untouched page: a %s after that faults %i times', (advice, kind, faults) => {
    expect(faultsOf(advice, kind)).toBe(faults);
  });

  it('PREFETCH lets the device read only, though the CPU may write: mlx5 downgrades', () => {
    expect(faultsOf('PREFETCH', 'write', true)).toBe(1);
  });

  it('PREFETCH_NO_FAULT maps what the CPU has', () => {
    expect(faultsOf('PREFETCH_NO_FAULT', 'write', true)).toBe(0);
  });

  it('without flush is done behind the caller’s back, and its errors are nobody’s', () => {
    const pair = new RdmaPair();
    const faults = pair.run(
      (function* (): Task<number> {
        const region = yield* pair.register();
        const nowhere = yield* pair.register({ start: 0x50_0000_0000, length: PAGE });
        yield* advise(pair, 'PREFETCH_WRITE', pages(region, 0, 2), { flush: false });
        yield* advise(pair, 'PREFETCH', pages(nowhere, 0, 1), { flush: false });
        yield 1_000_000;
        yield* pair.write(region, 0, pattern(2 * PAGE));
        return pair.driver.stats.faults;
      })(),
    );
    expect(faults).toBe(0);
  });

  it.each([
    ['a key that there is not', 'ENOENT', refusal(() => ({ lkey: 0x7700, address: BASE, length: 1 }))],
    ['bytes beyond the region', 'EFAULT', refusal((region) => pages(region, 0, 1 + region.mkey.pages))],
    ['bytes before it', 'EFAULT', refusal((region) => pages(region, -1, 1))],
    ['nothing', 'EFAULT', refusal((region) => pages(region, 0, 0))],
    ['writes of a region that is read only', 'EPERM', refusal((region) => pages(region, 0, 1), 'PREFETCH_WRITE', 4)],
  ])('is refused for %s: %s', (_what, code, got) => {
    expect(got).toBe(code);
  });

  it('fails with flush as a page fault fails', () => {
    const pair = new RdmaPair();
    const story = (function* (): Task {
      const region = yield* pair.register({ start: 0x50_0000_0000, length: PAGE });
      yield* advise(pair, 'PREFETCH', pages(region, 0, 1));
    })();
    expect(() => pair.run(story)).toThrow(/EFAULT.*advise_mr of 4096 bytes at 0x5000000000/);
  });

  it('needs an sge', () => {
    const pair = new RdmaPair();
    const work = pair.driver.adviseMr!({ advice: 'PREFETCH', flush: true, sgList: [] });
    expect(() => pair.run(work)).toThrow(/EINVAL.*without any sge/);
  });
});
