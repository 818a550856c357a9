import fc from 'fast-check';
import { PageMap } from '../../../src/check/rules/page-map.js';

const MMS = [1, 2].map((id) => ({ id, name: `mm ${String(id)}` }));

const PAGES = 12;
const mm = fc.constantFrom(...MMS);
const page = fc.nat(PAGES - 1);

const change = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), mm, page, value: fc.nat(99) }),
  fc.record({ kind: fc.constant('delete' as const), mm, page }),
);

it('is a map from page to value of each address space', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.nat(PAGES), fc.nat(PAGES), (changes, a, b) => {
      const map = new PageMap<number>();
      const model = new Map<string, number>();
      for (const { kind, mm, page, ...rest } of changes) {
        const key = `${String(mm.id)}:${String(page)}`;
        if (kind === 'set' && 'value' in rest) {
          map.set(mm, page, rest.value);
          model.set(key, rest.value);
        } else {
          map.delete(mm, page);
          model.delete(key);
        }
      }
      const [first, end] = [Math.min(a, b), Math.max(a, b)];
      for (const mm of MMS) {
        const visited = new Map<number, number>();
        map.forEach(mm, first, end, (page, value) => visited.set(page, value));
        for (let page = 0; page < PAGES; page++) {
          const expected = model.get(`${String(mm.id)}:${String(page)}`);
          expect(map.get(mm, page)).toBe(expected);
          expect(visited.get(page)).toBe(first <= page && page < end ? expected : undefined);
        }
      }
    }),
  );
});

it('lets a visitor delete what it visits', () => {
  const map = new PageMap<string>();
  for (const page of [0, 1, 2]) map.set(MMS[0], page, 'there');
  map.forEach(MMS[0], 0, 100, (page) => map.delete(MMS[0], page));
  expect([0, 1, 2].map((page) => map.get(MMS[0], page))).toEqual([undefined, undefined, undefined]);
});
