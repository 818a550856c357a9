import fc from 'fast-check';
import { PAGE_SIZE, PageContents, ReferencedContents, WriteSources } from '../../src/base/index.js';

const place = fc.record({
  page: fc.nat(2),
  offset: fc.nat(PAGE_SIZE - 1),
  length: fc.integer({ min: 1, max: PAGE_SIZE }),
});

/** What may be done to two memories between which pages are copied. */
const step = fc.oneof(
  fc.record({ what: fc.constant('write' as const), place, memory: fc.nat(1) }),
  fc.record({ what: fc.constant('clear' as const), place, memory: fc.nat(1) }),
  fc.record({ what: fc.constant('copy' as const), place, memory: fc.nat(1), to: fc.nat(2) }),
);

describe('contents that are referenced', () => {
  it('hold what contents that are kept hold', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const writes = new WriteSources();
        const kept = [new PageContents(true), new PageContents(true)];
        const referenced = [new ReferencedContents(writes), new ReferencedContents(writes)];
        steps.forEach((now, i) => {
          const { page, offset } = now.place;
          const length = Math.min(now.place.length, PAGE_SIZE - offset);
          const source = Uint8Array.from({ length: length + 3 }, (_, at) => (at * 7 + i) % 256);
          for (const contents of [kept, referenced]) {
            const memory = contents[now.memory];
            if (now.what === 'write') memory.write(page, offset, length, i + 1, source, 3);
            else if (now.what === 'clear') memory.clear(page, offset, length);
            else contents[1 - now.memory].copy(memory, page, now.to, offset, length);
          }
        });
        for (let page = 0; page < 3; page++) {
          const read = (contents: PageContents): Uint8Array => {
            const bytes = new Uint8Array(PAGE_SIZE + 2);
            contents.read(page, 1, bytes, 2, PAGE_SIZE - 1);
            return bytes;
          };
          expect(referenced.map(read)).toEqual(kept.map(read));
        }
      }),
    );
  });

  it('do not take two pieces under one stamp', () => {
    const contents = new ReferencedContents(new WriteSources());
    contents.write(0, 0, 1, 1, Uint8Array.of(1));
    expect(() => {
      contents.write(1, 0, 1, 1, Uint8Array.of(2));
    }).toThrow('two pieces of data were written under the stamp 1');
  });
});
