import { Simulation, type Hold, type Task } from '../src/engine/index.js';
import { MmuNotifiers, NotifierHub } from '../notifiers/index.js';
import { figure, median, type Figure } from './measure.js';

const ROUND_TRIPS = 200_000;
const DRIVERS = 4;

/** Start, four drivers hold, something else lets them go, end. */
function withHolds(): number {
  const simulation = new Simulation();
  const notifiers = new MmuNotifiers(new NotifierHub(simulation), { id: 1, name: 'mm' });
  const held: Hold[] = [];
  for (let i = 0; i < DRIVERS; i++) {
    notifiers.register({ name: 'driver', invalidateRangeStart: (range) => held.push(range.hold('driver')) });
  }
  function* device(): Task {
    for (;;) {
      for (let hold = held.pop(); hold !== undefined; hold = held.pop()) hold.release();
      yield 0;
    }
  }
  function* kernel(): Task {
    for (let i = 0; i < ROUND_TRIPS; i++) {
      const range = notifiers.invalidateRangeStart('UNMAP', 0x1000, 0x2000);
      if (range.holds > 0) yield range;
      notifiers.invalidateRangeEnd(range);
    }
  }
  simulation.spawn('device', device(), { daemon: true });
  const start = process.hrtime.bigint();
  simulation.runTask('kernel', kernel());
  return Number(process.hrtime.bigint() - start) / ROUND_TRIPS;
}

/** The same with promises: drivers are async functions that wait until their device has let go. */
async function withPromises(): Promise<number> {
  const waiting: (() => void)[] = [];
  let over = false;
  const drivers = Array.from({ length: DRIVERS }, () => ({
    async invalidate(range: { readonly start: number; readonly end: number }): Promise<number> {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return range.end - range.start;
    },
  }));
  async function device(): Promise<void> {
    while (!over) {
      for (let release = waiting.pop(); release !== undefined; release = waiting.pop()) release();
      await Promise.resolve();
    }
  }
  const running = device();
  const start = process.hrtime.bigint();
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const range = { start: 0x1000, end: 0x2000 };
    await Promise.all(drivers.map((driver) => driver.invalidate(range)));
  }
  const ns = Number(process.hrtime.bigint() - start) / ROUND_TRIPS;
  over = true;
  await running;
  return ns;
}

/** S3: ns per blocking start to end with four drivers that hold. */
export async function s3(): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -2; round < 7; round++) {
    const reference = await withPromises();
    const subject = withHolds();
    if (round < 0) continue;
    theirs.push(reference);
    ours.push(subject);
  }
  return [
    figure({
      id: 'S3',
      what: 'blocking start to end, 4 drivers hold',
      unit: 'ns',
      subject: median(ours),
      reference: median(theirs),
      referenceIs: 'the same with async drivers and Promise.all',
      bound: { atMost: 0.25 },
    }),
  ];
}
