import fc from 'fast-check';
import { IntervalTree, type TreeInterval } from '../../src/base/index.js';

/** Something to do to a tree: insert [start, start + length], or remove the n-th of those inside. */
const step = fc.oneof(fc.record({ start: fc.nat(200), length: fc.nat(40) }), fc.record({ remove: fc.nat(200) }));

describe('IntervalTree', () => {
  it('finds what a scan of all intervals finds, in order of start and then of insertion', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(220), fc.nat(60), (steps, from, length) => {
        const tree = new IntervalTree<number>();
        let model: TreeInterval<number>[] = [];
        steps.forEach((action, id) => {
          if ('start' in action) {
            model.push(tree.insert(action.start, action.start + action.length, id));
          } else if (model.length > 0) {
            const victim = model[action.remove % model.length];
            expect(tree.remove(victim)).toBe(true);
            model = model.filter((interval) => interval !== victim);
          }
        });
        const last = from + length;
        const expected = model
          .filter((interval) => interval.start <= last && interval.last >= from)
          .sort((a, b) => a.start - b.start || a.value - b.value)
          .map(({ value }) => value);
        const found: number[] = [];
        tree.forEachOverlap(from, last, (value) => found.push(value));
        expect(found).toEqual(expected);
        expect(tree.size).toBe(model.length);
      }),
    );
  });

  it('finds few among many without looking at all of them', () => {
    const tree = new IntervalTree<number>();
    for (let i = 0; i < 10_000; i++) tree.insert(i * 10, i * 10 + 5, i);
    const found: number[] = [];
    tree.forEachOverlap(50_003, 50_012, (value) => found.push(value));
    expect(found).toEqual([5000, 5001]);
  });

  it('says so when it is asked to remove what it does not have', () => {
    const tree = new IntervalTree<string>();
    const interval = tree.insert(0, 10, 'a');
    expect(tree.remove(interval)).toBe(true);
    expect(tree.remove(interval)).toBe(false);
  });
});
