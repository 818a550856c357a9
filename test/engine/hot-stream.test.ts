import { Observable, filter, map, take, toArray } from 'rxjs';
import { HotStream } from '../../src/engine/index.js';

describe('HotStream', () => {
  it('is an Observable and takes the usual operators', () => {
    const stream = new HotStream<number>();
    const seen: string[] = [];
    stream
      .pipe(
        filter((n) => n % 2 === 0),
        map((n) => `#${String(n)}`),
        take(2),
      )
      .subscribe((value) => seen.push(value));
    for (let n = 0; n < 10; n++) stream.emit(n);
    expect(stream).toBeInstanceOf(Observable);
    expect(seen).toEqual(['#0', '#2']);
    expect(stream.observed).toBe(false);
  });

  it('emits synchronously, in the order of subscription', () => {
    const stream = new HotStream<number>();
    const seen: string[] = [];
    stream.subscribe((n) => seen.push(`a${String(n)}`));
    stream.subscribe({ next: (n) => seen.push(`b${String(n)}`) });
    stream.emit(1);
    seen.push('after');
    expect(seen).toEqual(['a1', 'b1', 'after']);
  });

  it('shows a subscriber that comes during an emission the next one first', () => {
    const stream = new HotStream<number>();
    const seen: number[] = [];
    stream.pipe(take(1)).subscribe(() => {
      stream.subscribe((n) => seen.push(n));
    });
    stream.emit(1);
    stream.emit(2);
    expect(seen).toEqual([2]);
  });

  it('shows a subscriber that goes during an emission nothing more of it', () => {
    const stream = new HotStream<number>();
    const seen: number[] = [];
    stream.subscribe(() => {
      second.unsubscribe();
    });
    const second = stream.subscribe((n) => seen.push(n));
    stream.emit(1);
    expect(seen).toEqual([]);
  });

  it('carries what a subscriber throws to whoever emits', () => {
    const stream = new HotStream<number>();
    stream.subscribe(() => {
      throw new Error('driver bug');
    });
    expect(() => {
      stream.emit(1);
    }).toThrow('driver bug');
  });

  it('carries what is thrown behind operators, too', () => {
    const stream = new HotStream<number>();
    stream
      .pipe(
        filter(() => true),
        map((n) => n + 1),
      )
      .subscribe(() => {
        throw new Error('driver bug behind operators');
      });
    expect(() => {
      stream.emit(1);
    }).toThrow('driver bug behind operators');
  });

  it('lets a subscriber handle an error that an operator raised', () => {
    const stream = new HotStream<number>();
    const errors: unknown[] = [];
    stream
      .pipe(
        map(() => {
          throw new Error('bad projection');
        }),
      )
      .subscribe({ error: (error: unknown) => errors.push(error) });
    stream.emit(1);
    expect(errors).toEqual([new Error('bad projection')]);
  });

  it('completes its subscribers, and later ones at once', () => {
    const stream = new HotStream<number>();
    const collected: number[][] = [];
    stream.pipe(toArray()).subscribe((all) => collected.push(all));
    stream.emit(1);
    stream.emit(2);
    stream.complete();
    stream.pipe(toArray()).subscribe((all) => collected.push(all));
    expect(collected).toEqual([[1, 2], []]);
  });

  it('allows emissions from inside an emission', () => {
    const stream = new HotStream<number>();
    const seen: number[] = [];
    stream.subscribe((n) => {
      seen.push(n);
      if (n < 3) stream.emit(n + 1);
    });
    stream.emit(1);
    expect(seen).toEqual([1, 2, 3]);
  });
});
