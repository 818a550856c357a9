import { Subject } from 'rxjs';
import { HotStream } from '../src/engine/index.js';
import { alternate, figure, timed, type Figure } from './measure.js';

const EMISSIONS = 2_000_000;

/** Four fifths of the cost of a Subject are gone with up to one subscriber; with many, the subscribers themselves count. */
const BOUNDS: readonly (readonly [subscribers: number, atMost: number])[] = [
  [0, 0.2],
  [1, 0.2],
  [16, 1],
];

/** S2: ns per emission. */
export function s2(): Figure[] {
  return BOUNDS.map(([subscribers, atMost]) => {
    const stream = new HotStream<{ readonly n: number }>();
    const subject = new Subject<{ readonly n: number }>();
    let sum = 0;
    for (let i = 0; i < subscribers; i++) {
      stream.subscribe(({ n }) => (sum += n));
      subject.subscribe(({ n }) => (sum += n));
    }
    const value = { n: 1 };
    const result = alternate(
      () =>
        timed(() => {
          for (let i = 0; i < EMISSIONS; i++) stream.emit(value);
        }) / EMISSIONS,
      () =>
        timed(() => {
          for (let i = 0; i < EMISSIONS; i++) subject.next(value);
        }) / EMISSIONS,
      7,
      2,
    );
    return figure({
      id: `S2-${String(subscribers)}`,
      what: `emission to ${String(subscribers)} subscribers (${String(sum > 0)})`,
      unit: 'ns',
      ...result,
      referenceIs: 'Subject.next',
      bound: { atMost },
    });
  });
}
