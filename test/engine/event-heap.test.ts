import fc from 'fast-check';
import { EventHeap } from '../../src/engine/index.js';

describe('EventHeap', () => {
  it('gives entries in order of time, and first in first out among equal times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (times) => {
        const heap = new EventHeap();
        times.forEach((time, id) => heap.push(time, id));
        const popped: number[] = [];
        while (heap.size > 0) popped.push(heap.pop());
        const expected = times.map((time, id) => ({ time, id })).sort((a, b) => a.time - b.time || a.id - b.id);
        expect(popped).toEqual(expected.map(({ id }) => id));
      }),
    );
  });

  it('keeps its order when pushes and pops alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.constant(-1)), { maxLength: 200 }), (steps) => {
        const heap = new EventHeap(2);
        const model: { time: number; id: number }[] = [];
        let now = 0;
        steps.forEach((step, id) => {
          if (step >= 0) {
            heap.push(now + step, id);
            model.push({ time: now + step, id });
          } else if (model.length > 0) {
            model.sort((a, b) => a.time - b.time || a.id - b.id);
            const next = model.shift();
            expect(heap.minTime).toBe(next?.time);
            expect(heap.pop()).toBe(next?.id);
            now = next?.time ?? now;
          }
        });
      }),
    );
  });

  it('says that nothing is due when it is empty', () => {
    expect(new EventHeap().minTime).toBe(Infinity);
  });
});
