import { scanCapture } from '../../../../src/lab/capture/index.js';
import { pcapFile } from '../support/capture-writer.js';

const frame = new Uint8Array(60);

describe('the time of a capture', () => {
  it('starts at its first frame, whose stamp the summary tells in full', () => {
    const summary = scanCapture(pcapFile([{ ns: 350_859_001, bytes: frame }], { startSeconds: 1_795_360_429 }));
    expect(summary.start).toBe('2026-11-22T15:13:49.350859001Z');
    expect(summary.startSeconds).toBeCloseTo(1_795_360_429.350859, 5);
    expect(summary.durationNs).toBe(0);
  });

  it('counts the frames whose stamps go backwards', () => {
    const records = [100, 50, 60, 200].map((ns) => ({ ns, bytes: frame }));
    expect(scanCapture(pcapFile(records))).toMatchObject({ backwardStamps: 2, durationNs: 100 });
  });
});
