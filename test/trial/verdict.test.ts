import { driverFactoryOf, driverPlugin } from '../../devices/contract/index.js';
import { odp } from '../../devices/odp/index.js';
import {
  subjectOf,
  testsFor,
  untilEnough,
  verdictJson,
  verdictOf,
  verdictText,
  type Batch,
} from '../../src/trial/index.js';
import type { SeededFailure } from '../../src/trial/run-batch.js';
import type { Tried, Verdict } from '../../src/trial/verdict.js';

const subject = subjectOf(driverPlugin({ name: 'mine', title: 'mine', onDemandPaging: true }, driverFactoryOf(odp)));

function batch(part: Partial<Batch>): Batch {
  return { ran: 1, failures: [], exercised: [], ...part };
}

function failure(seed: number, part: Partial<SeededFailure> = {}): SeededFailure {
  return { rule: 'R1', reason: 'it was so', program: null, seed, ...part };
}

function verdict(only: string, batches: readonly Batch[], lost: Tried['lost'] = null): Verdict {
  return verdictOf(
    subject,
    testsFor({ only }).map((selected) => ({ selected, batches, lost, givenUp: false })),
  );
}

describe('a verdict', () => {
  it('says of a rule that it held only if something has put it to the test', () => {
    const { rules, verdict: whole } = verdict('gaps.fork', [batch({ exercised: ['R1', 'R5'] })]);
    expect(whole).toBe('passed');
    expect([rules.R1, rules.R5]).toEqual([{ status: 'passed' }, { status: 'passed' }]);
    expect(rules.R6).toEqual({ status: 'not-applicable', reason: 'nothing that was run put it to the test' });
  });

  it('names of a rule that was broken the first run that broke it', () => {
    const { rules, suites } = verdict('storms', [
      batch({ ran: 10 }),
      batch({ ran: 10, failures: [failure(13), failure(14)] }),
    ]);
    expect(rules.R1).toEqual({ status: 'failed', reason: 'it was so', replay: { only: 'storms#13', program: null } });
    expect(suites).toMatchObject([{ name: 'storms', ran: 20, failed: 2, notApplicable: 0 }]);
  });

  it('fails for what is no rule’s, too', () => {
    const told = verdict('gaps.fork', [batch({ failures: [failure(1, { rule: null })] })]);
    expect(told.verdict).toBe('failed');
    expect(verdictText(told, './mine.ts')).toContain(
      'gaps.fork failed\n  it was so\n  again: pinless check-driver ./mine.ts --only gaps.fork\n',
    );
  });

  it('of what does not apply says that nothing was run, and not that it passed', () => {
    const told = verdict('test_odp.ud_traffic', []);
    expect(verdictText(told, 'mine')).toMatch(/driver "mine" \(mine\): nothing was run\n$/);
  });

  it('fails for a rule of the kernel, which is no driver’s', () => {
    const told = verdict('gaps.fork', [batch({ failures: [failure(1, { rule: 'K1' })] })]);
    expect(verdictText(told, 'mine')).toContain('K1: the kernel takes rights away only inside a range');
  });

  it('says which run did not come back', () => {
    const told = verdict('storms', [], { seed: 4, why: 'did not come back' });
    expect(verdictText(told, 'mine')).toContain(
      'storms failed\n  did not come back\n  again: pinless check-driver mine --only storms#4',
    );
  });

  it('tells a few tests that failed at length, and names the others', () => {
    const told = verdict('gaps', [batch({ failures: [failure(1, { rule: null })] })]);
    const text = verdictText(told, 'mine');
    expect(text.match(/^gaps\.\w+ failed/gm)).toHaveLength(4);
    expect(text).toMatch(/^failed as well:\n {2}gaps\.\w+ /m);
  });

  it('is no pass where something was not run', () => {
    const [selected] = testsFor({ only: 'gaps.fork' });
    const told = verdictOf(subject, [{ selected, batches: [], lost: null, givenUp: true }]);
    expect(told.verdict).toBe('failed');
    expect(verdictText(told, 'mine')).toContain('not run, as too many tests did not come back:\n  gaps.fork\n');
  });

  it('has a program for who wants to see it in one', () => {
    const told = verdict('programs', [batch({ failures: [failure(3, { program: ['exit', 'after_exit'] })] })]);
    expect(verdictText(told, 'mine')).toContain(
      '  again: pinless check-driver mine --only programs#3\n  or: pinless run program.txt --driver mine, with\n    exit\n',
    );
    const { rules } = JSON.parse(verdictJson(told, 'my driver.ts')) as { rules: { R1: { replay: unknown } } };
    expect(rules.R1.replay).toEqual({
      command: 'pinless check-driver "my driver.ts" --only programs#3',
      program: ['exit', 'after_exit'],
    });
  });
});

describe('runs of many threads', () => {
  it('count in the order of their seeds, up to where enough have failed', () => {
    const bad = batch({ failures: Array.from({ length: 10 }, (_, i) => failure(i + 1)) });
    expect(untilEnough([batch({}), bad, batch({})])).toEqual([batch({}), bad]);
    expect(untilEnough([batch({}), undefined, bad])).toEqual([batch({})]);
  });

  it('count no further than one that would have gone on for ever', () => {
    const endless = batch({ failures: [failure(1, { endless: true })] });
    expect(untilEnough([endless, batch({})])).toEqual([endless]);
  });
});
