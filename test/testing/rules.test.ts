import { traceOf } from '../../src/testing/index.js';
import { RdmaPair } from '../support/rdma-pair.js';
import { failureOf } from './failure-of.js';
import { dontneedUnderWrite, faulty, tracedPair } from './stories.js';

describe('toKeepTheRules', () => {
  it('holds of a right driver', () => {
    const { pair, trace } = tracedPair({}, true);
    expect(trace).toKeepTheRules(() => {
      pair.run(dontneedUnderWrite(pair));
    });
  });

  it('says which rule is broken, by whom, and what happened to the page before', () => {
    const { pair, trace } = tracedPair({ driver: faulty('F17') }, true);
    const message = failureOf(() =>
      expect(trace).toKeepTheRules(() => {
        pair.run(dontneedUnderWrite(pair));
      }),
    );
    expect(message).toMatchInlineSnapshot(`
      "expect(trace).toKeepTheRules(run)

      R1 is broken by driver "faulty-f17" of server: no access through an old translation may land after invalidate_range_start has returned
      page    0x1000000000 of mm of server
      before  CLEAR [0x1000000000, 0x1000001000) of mm of server started
      then    a write of 0x1000000000 through frame 1 was in flight when the start returned

                 658.733 us  device_write server [0x1000000000, 0x1000000040) pfn 0x1 (mm of server)
                 661.179 us  device_write server [0x1000000000, 0x1000001000) pfn 0x1 (mm of server)
        before > 661.244 us  mmu_notifier_invalidate_range_start MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)
                 661.244 us  invalidate "faulty-f17" seq 3 MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)
          then > 661.244 us  mmu_notifier_invalidate_range_start returns MMU_NOTIFY_CLEAR [0x1000000000, 0x1000001000) (mm of server)

      seed 1, schedule fifo"
    `);
  });

  it('says of .not that none is', () => {
    const { pair, trace } = tracedPair({}, true);
    const message = failureOf(() =>
      expect(trace).not.toKeepTheRules(() => {
        pair.run(pair.register());
      }),
    );
    expect(message).toBe('expect(trace).not.toKeepTheRules(run)\n\nNo rule was broken.');
  });

  it('finds an invalidation without an end when the run is over', () => {
    const { pair, trace } = tracedPair({}, true);
    const message = failureOf(() =>
      expect(trace).toKeepTheRules(() => {
        pair.process.mm.notifiers.invalidateRangeStart('CLEAR', 0x1000, 0x2000);
      }),
    );
    expect(message).toMatch(
      /R9 is broken by the kernel: [^]*then {4}CLEAR \[0x1000, 0x2000\) of mm of server has no end/,
    );
  });

  it('does not take another failure for one, whatever is expected', () => {
    const { trace } = tracedPair({}, true);
    const boom = (): void => {
      throw new Error('boom');
    };
    expect(() => expect(trace).toKeepTheRules(boom)).toThrow('boom');
    expect(() => expect(trace).not.toKeepTheRules(boom)).toThrow('boom');
  });

  it('is not fooled by a task that nobody runs', () => {
    const { pair, trace } = tracedPair({}, true);
    expect(() => expect(trace).toKeepTheRules(() => dontneedUnderWrite(pair))).toThrow(
      'what is to be run was made and not run: () => simulation.runTask(name, task)',
    );
  });

  it('needs rules that watch, and a device', () => {
    const pair = new RdmaPair();
    const run = (): void => {};
    expect(() => expect(traceOf(pair.world)).toKeepTheRules(run)).toThrow(
      'toKeepTheRules: the rules did not watch: traceOf(world, { rules: true })',
    );
    expect(() => expect(traceOf(pair.world, { rules: true })).toKeepTheRules(run)).toThrow(
      'toKeepTheRules: no device is watched: trace.watch(observeNic(nic))',
    );
  });
});

describe('toBreakRule', () => {
  function run(driver: string): () => void {
    const { pair, trace } = tracedPair({ driver: faulty(driver) }, true);
    return () => {
      expect(trace).toBreakRule('R1', () => {
        pair.run(dontneedUnderWrite(pair));
      });
    };
  }

  it('holds if that rule is broken', () => {
    expect(run('F17')).not.toThrow();
  });

  it('fails if another one is, and says which', () => {
    expect(failureOf(run('double-release'))).toMatch(
      /toBreakRule\('R1', run\)\n\nR9 is broken by driver "faulty-double-release"/,
    );
  });

  it('fails if none is', () => {
    expect(failureOf(run('F24'))).toMatch(
      /No rule was broken\. R1: no access through an old translation may land after/,
    );
  });

  it('fails with .not if it is that one', () => {
    const { pair, trace } = tracedPair({ driver: faulty('F17') }, true);
    const message = failureOf(() =>
      expect(trace).not.toBreakRule('R1', () => {
        pair.run(dontneedUnderWrite(pair));
      }),
    );
    expect(message).toMatch(/^expect\(trace\)\.not\.toBreakRule\('R1', run\)\n\nR1 is broken by/);
  });

  it('knows the rules', () => {
    const { trace } = tracedPair({}, true);
    expect(() => expect(trace).not.toBreakRule('R99' as 'R1', () => {})).toThrow(
      /there is no rule R99; there are R1, R2/,
    );
  });
});
