import { PageContents } from '../../../src/base/index.js';
import type { Task } from '../../../src/engine/index.js';
import { AcknowledgedData, judge } from '../../../src/lab/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

/** Stamps of a page of promised or acknowledged data, as runs. */
function runs(contents: PageContents, page: number): [number, number, number][] {
  const found: [number, number, number][] = [];
  contents.forEachRun(page, 0, 4096, (start, end, stamp) => found.push([start, end, stamp]));
  return found;
}

describe('what was acknowledged', () => {
  it('is promised when an fsync that began afterwards has returned', () => {
    const data = new AcknowledgedData();
    data.written(1, 0, 0, 4096, 10);
    data.completed(1, true);
    const returned = data.fsyncBegins();
    expect(runs(data.promised, 0)).toEqual([[0, 4096, 0]]);
    returned();
    expect(runs(data.promised, 0)).toEqual([[0, 4096, 10]]);
  });

  it('during an fsync is not promised by it, but by the next one', () => {
    const data = new AcknowledgedData();
    const first = data.fsyncBegins();
    data.written(1, 0, 0, 100, 10);
    data.completed(1, true);
    first();
    expect(runs(data.promised, 0)).toEqual([[0, 4096, 0]]);
    data.fsyncBegins()();
    expect(runs(data.promised, 0)).toEqual([
      [0, 100, 10],
      [100, 4096, 0],
    ]);
  });

  it('is promised by whichever fsync that began afterwards returns first', () => {
    const data = new AcknowledgedData();
    data.written(1, 0, 0, 4096, 10);
    data.completed(1, true);
    const first = data.fsyncBegins();
    const second = data.fsyncBegins();
    expect(second()).toEqual(new Set([0]));
    expect(runs(data.promised, 0)).toEqual([[0, 4096, 10]]);
    expect(first()).toEqual(new Set());
  });

  it('does not include requests that failed or have not completed', () => {
    const data = new AcknowledgedData();
    data.written(1, 0, 0, 100, 10);
    data.written(2, 0, 0, 100, 11);
    data.completed(1, false);
    data.fsyncBegins()();
    expect(runs(data.promised, 0)).toEqual([[0, 4096, 0]]);
    expect(data.acknowledgedBytes).toBe(0);
  });

  it('counts the later write of a byte, whichever was acknowledged first', () => {
    const data = new AcknowledgedData();
    data.written(1, 0, 0, 200, 10);
    data.written(2, 0, 100, 200, 11);
    data.completed(2, true);
    data.completed(1, true);
    expect(runs(data.acknowledged, 0)).toEqual([
      [0, 100, 10],
      [100, 300, 11],
      [300, 4096, 0],
    ]);
  });

  it('knows which request wrote a byte', () => {
    const data = new AcknowledgedData();
    data.written(7, 0, 0, 10, 123_456);
    expect([data.requestOfStamp(123_456), data.requestOfStamp(5), data.requestOfStamp(10 ** 9)]).toEqual([7, 0, 0]);
  });

  it('makes memory stale that holds an older write', () => {
    const data = new AcknowledgedData();
    data.written(1, 3, 100, 50, 10);
    data.completed(1, true);
    const memory = new PageContents(false);
    expect(data.isStale(3, 0, 4096, memory, 8)).toBe(true);
    memory.write(8, 100, 50, 10, null);
    expect(data.isStale(3, 0, 4096, memory, 8)).toBe(false);
    memory.write(8, 120, 1, 9, null);
    expect(data.isStale(3, 0, 110, memory, 8)).toBe(false);
    expect(data.isStale(3, 110, 20, memory, 8)).toBe(true);
  });
});

describe('an atomic and a WRITE to the same bytes', () => {
  it('count in the order in which they land, one behind the other on one queue pair', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    const data = new AcknowledgedData();
    pair.server.dma.issued$.subscribe((op) => {
      if (op.kind === 'write' && op.mkey !== null) data.written(op.mark, 0, op.offset, op.length, op.stamp);
    });
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* kernel.store(pair.process, BASE, 4096);
        const target = { remoteAddress: BASE, rkey: region.mkey.rkey, length: 8 };
        const sum = { opcode: 'ATOMIC_FETCH_AND_ADD', local: null, compare: 0n, swapOrAdd: 5n } as const;
        pair.requester.postSend({ ...target, ...sum, wrId: 1, mark: 1 });
        pair.requester.postSend({ ...target, opcode: 'RDMA_WRITE', local: pattern(8), wrId: 2, mark: 2 });
        for (let i = 0; i < 2; i++) data.completed((yield* pair.completions.next()).wrId, true);
        const frame = pair.inode.mapping.pages.get(0);
        expect(data.isStale(0, 0, 8, kernel.mm.memory.contents, frame)).toBe(false);
        const returned = data.fsyncBegins();
        yield* kernel.fsync(pair.inode);
        returned();
      })(),
    );
    kernel.fs.device.powerLoss();
    kernel.fs.recover();
    expect(judge(pair.inode, data).lostBytes).toBe(0);
  });
});
