import fc from 'fast-check';
import { Simulation, type Hold } from '../../../src/engine/index.js';
import { RangeLedger } from '../../../src/check/rules/range-ledger.js';
import { MmuNotifiers, NotifierHub, type InvalidateRange } from '../../../notifiers/index.js';

const PAGE = 4096;

interface Known {
  readonly range: InvalidateRange;
  readonly mm: number;
  readonly first: number;
  readonly end: number;
  hold: Hold | null;
}

/** Two address spaces, and a driver of both that holds every range for which it is told to. */
class Story {
  readonly hub = new NotifierHub(new Simulation());
  readonly ledger = new RangeLedger(this.hub);
  readonly mms = [1, 2].map((id) => ({ id, name: `mm ${String(id)}` }));
  private readonly notifiers = this.mms.map((mm) => new MmuNotifiers(this.hub, mm));
  /** Those that have not ended, in the order of their starts. */
  readonly open: Known[] = [];
  /** The others, the latest first. */
  readonly ended: Known[] = [];
  private holding: ((hold: Hold) => void) | null = null;

  constructor() {
    for (const mm of this.notifiers) {
      mm.register({ name: 'driver', invalidateRangeStart: (range) => this.holding?.(range.hold('driver')) });
    }
  }

  start(mm: number, first: number, pages: number, held: boolean): void {
    let hold: Hold | null = null;
    this.holding = held ? (made) => (hold = made) : null;
    const end = first + pages;
    const range = this.notifiers[mm].invalidateRangeStart('CLEAR', first * PAGE, end * PAGE);
    this.open.push({ range, mm, first, end, hold });
  }

  release(index: number): void {
    const held = this.open.filter(({ hold }) => hold !== null);
    if (held.length === 0) return;
    const chosen = held[index % held.length];
    chosen.hold?.release();
    chosen.hold = null;
  }

  end(index: number): void {
    const quiet = this.open.filter(({ hold }) => hold === null);
    if (quiet.length === 0) return;
    const chosen = quiet[index % quiet.length];
    this.open.splice(this.open.indexOf(chosen), 1);
    this.ended.unshift(chosen);
    this.notifiers[chosen.mm].invalidateRangeEnd(chosen.range);
  }
}

const step = fc.oneof(
  fc.record({
    do: fc.constant('start' as const),
    mm: fc.nat(1),
    first: fc.nat(5),
    pages: fc.integer({ min: 1, max: 3 }),
    held: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom('release' as const, 'end' as const), index: fc.nat(9) }),
);

it('answers as a list of all ranges would', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 24 }),
      fc.nat(1),
      fc.nat(7),
      fc.integer({ min: 1, max: 3 }),
      (steps, mm, first, pages) => {
        const story = new Story();
        for (const step of steps) {
          if (step.do === 'start') story.start(step.mm, step.first, step.pages, step.held);
          else story[step.do](step.index);
        }
        const { ledger, open, ended } = story;
        const end = first + pages;
        const over = (known: Known): boolean => known.mm === mm && known.first < end && first < known.end;
        const covering = (known: Known): boolean => known.mm === mm && known.first <= first && end <= known.end;
        const quiet = open.filter(({ hold }) => hold === null);
        const asked = [story.mms[mm], first * PAGE, end * PAGE] as const;
        expect(ledger.quiet).toBe(quiet.length);
        expect([...ledger.open]).toEqual(open.map(({ range }) => range));
        expect(ledger.quietOver(...asked)).toBe(quiet.find(over)?.range ?? null);
        expect(ledger.openOver(...asked)).toBe(open.find(over)?.range ?? null);
        expect(ledger.covers(...asked)).toBe(quiet.some(covering));
        expect(ledger.lastOver(...asked)).toBe([...open, ...ended].find(over)?.range ?? null);
      },
    ),
  );
});

it('remembers the last 64 that have ended', () => {
  const story = new Story();
  const runThrough = (page: number): void => {
    story.start(0, page, 1, false);
    story.end(0);
  };
  const last = (page: number): InvalidateRange | null =>
    story.ledger.lastOver(story.mms[0], page * PAGE, (page + 1) * PAGE);
  runThrough(0);
  for (let i = 0; i < 63; i++) runThrough(1);
  expect(last(0)).not.toBeNull();
  runThrough(1);
  expect(last(0)).toBeNull();
  expect(last(1)).toBe(story.ended[0].range);
});
