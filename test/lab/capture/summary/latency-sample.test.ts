import { LatencySample } from '../../../../src/lab/capture/summary/index.js';

describe('a sample of latencies', () => {
  it('has no summary while it is empty', () => {
    expect(new LatencySample().summary()).toBeUndefined();
  });

  it('tells minimum, mean, quantiles and maximum', () => {
    const sample = new LatencySample();
    for (let ns = 1000; ns >= 1; ns--) sample.add(ns);
    expect(sample.summary()).toEqual({
      count: 1000,
      minNs: 1,
      meanNs: 500.5,
      p50Ns: 500.5,
      p90Ns: 900.1,
      p99Ns: 990.01,
      p999Ns: 999.001,
      maxNs: 1000,
      everyNth: 1,
    });
  });

  it('keeps every n-th of very many, and the extremes all the same', () => {
    const sample = new LatencySample();
    const count = 1_000_000;
    for (let i = 0; i < count; i++) sample.add((i * 7919) % count);
    const { everyNth, p50Ns, p99Ns, ...rest } = sample.summary()!;
    expect(rest).toMatchObject({ count, minNs: 0, maxNs: count - 1 });
    expect(everyNth).toBe(16);
    expect(Math.abs(p50Ns / count - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(p99Ns / count - 0.99)).toBeLessThan(0.01);
  });
});
