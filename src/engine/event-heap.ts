/**
 * The pending events of a simulation: a 4-ary min-heap over typed arrays, ordered by (time, sequence).
 *
 * The sequence number makes the order total and first-in first-out among equal times, so a run never depends on the
 * shape of the heap. An entry is a time and a 32-bit id; what the id means is the simulation's business.
 */
export class EventHeap {
  /** Number of entries. */
  size = 0;
  /** Sequence number of the entry that `pop` returned last. */
  poppedSeq = -1;

  private times: Float64Array;
  private seqs: Float64Array;
  private ids: Int32Array;
  private nextSeq = 0;

  constructor(capacity = 8) {
    this.times = new Float64Array(capacity);
    this.seqs = new Float64Array(capacity);
    this.ids = new Int32Array(capacity);
  }

  /** Time of the earliest entry, `Infinity` when there is none. */
  get minTime(): number {
    return this.size === 0 ? Infinity : this.times[0];
  }

  /** Adds an entry and returns its sequence number. */
  push(time: number, id: number): number {
    if (this.size === this.ids.length) this.grow();
    const { times, seqs, ids } = this;
    const seq = this.nextSeq++;
    let hole = this.size++;
    // A new entry has the largest sequence number, so it climbs past strictly later times only.
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      if (times[parent] <= time) break;
      times[hole] = times[parent];
      seqs[hole] = seqs[parent];
      ids[hole] = ids[parent];
      hole = parent;
    }
    times[hole] = time;
    seqs[hole] = seq;
    ids[hole] = id;
    return seq;
  }

  /** Removes the earliest entry and returns its id. The heap must not be empty. */
  pop(): number {
    const { times, seqs, ids } = this;
    const id = ids[0];
    this.poppedSeq = seqs[0];
    const size = --this.size;
    if (size === 0) return id;

    const time = times[size];
    const seq = seqs[size];
    let hole = 0;
    for (let first = 1; first < size; first = (hole << 2) + 1) {
      let best = first;
      if (first + 3 < size) {
        // The earliest of four in two rounds. Which one it is cannot be predicted, so it is computed and not branched on.
        const left = first + earlier(times, seqs, first + 1, first);
        const right = first + 2 + earlier(times, seqs, first + 3, first + 2);
        best = left + (right - left) * earlier(times, seqs, right, left);
      } else {
        for (let child = first + 1; child < size; child++) if (earlier(times, seqs, child, best) === 1) best = child;
      }
      const bestTime = times[best];
      if (bestTime > time || (bestTime === time && seqs[best] > seq)) break;
      times[hole] = bestTime;
      seqs[hole] = seqs[best];
      ids[hole] = ids[best];
      hole = best;
    }
    times[hole] = time;
    seqs[hole] = seq;
    ids[hole] = ids[size];
    return id;
  }

  private grow(): void {
    const capacity = this.ids.length * 2;
    this.times = enlarged(this.times, new Float64Array(capacity));
    this.seqs = enlarged(this.seqs, new Float64Array(capacity));
    this.ids = enlarged(this.ids, new Int32Array(capacity));
  }
}

function enlarged<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/** 1 if entry `a` comes before entry `b`, 0 if not. */
function earlier(times: Float64Array, seqs: Float64Array, a: number, b: number): number {
  return +(times[a] < times[b]) | (+(times[a] === times[b]) & +(seqs[a] < seqs[b]));
}
