import { describeDriver, type TestFramework } from '../../src/testing/describe-driver.js';
import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';
import { mirror } from '../../devices/mirror/index.js';
import { odp } from '../../devices/odp/index.js';

// What a driver's own tests look like.
describeDriver(odp, { storms: 8, programs: 28 });
describeDriver(mirror, { storms: 8, programs: 28 });

/** Tests that were defined, by their full names. */
class Collector implements TestFramework {
  readonly tests = new Map<string, () => void>();
  private readonly path: string[] = [];

  describe = (name: string, define: () => void): void => {
    this.path.push(name);
    define();
    this.path.pop();
  };

  it = (name: string, test: () => void): void => {
    this.tests.set([...this.path, name].join(' > '), test);
  };
}

const faulty = FAULTY_DRIVERS.find(({ id }) => id === 'F24')?.plugin ?? odp;

describe('describeDriver', () => {
  it('defines a test for each of a suite, and storms and programs in a few', () => {
    const framework = new Collector();
    describeDriver(odp, { storms: 8, programs: 3, framework });
    const names = [...framework.tests.keys()];
    expect(names).toContain('driver "odp" > hmm-tests > anon_write_prot');
    expect(names).toContain('driver "odp" > storms > seeds 1 to 2');
    expect(names).toContain('driver "odp" > programs > seed 3');
    expect(names.filter((name) => name.includes('> storms >'))).toHaveLength(4);
  });

  it('defines no test that does not apply', () => {
    const framework = new Collector();
    describeDriver(odp, { framework });
    expect([...framework.tests.keys()].filter((name) => /snapshot|ud_traffic/.test(name))).toEqual([]);
  });

  it('fails with the rule, what was seen, and the command that shows it again', () => {
    const framework = new Collector();
    describeDriver(faulty, { only: 'gaps.unaligned_region', module: './mine.ts', framework });
    const [[name, test]] = framework.tests;
    expect(name).toBe('driver "faulty-f24" > gaps > unaligned_region');
    expect(test).toThrow(
      new RegExp(
        '^R20: an access lands on the byte that its address names\\n' +
          ' {2}page 0x\\w+ of mm of app: .*\\n' +
          ' {2}again: pinless check-driver ./mine.ts --only gaps.unaligned_region$',
      ),
    );
  });

  it('says of many seeds how many failed, and which was the first', () => {
    const framework = new Collector();
    describeDriver(faulty, { only: 'storms', storms: 4, module: './mine.ts', framework });
    const failing = [...framework.tests.values()].flatMap((test) => {
      try {
        test();
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    });
    expect(failing[0]).toMatch(/^R20: .*\n.*\n {2}again: pinless check-driver .\/mine.ts --only storms#\d$/);
  });

  it('does not take the name of a test that there is not', () => {
    expect(() => {
      describeDriver(odp, { only: 'hmm-tests.anon_wirte', framework: new Collector() });
    }).toThrow('suite "hmm-tests" has no test "anon_wirte"; it has open_close, anon_read,');
  });
});
