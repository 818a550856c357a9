import { readFileSync } from 'node:fs';
import { SAYS } from '../../src/check/rule-texts.js';
import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';

const page = readFileSync('docs/rules.md', 'utf8');

/** First cells of the rows of all tables. */
const rows = [...page.matchAll(/^\| `?([\w-]+)`? +\|/gm)].map(([, first]) => first);

it('docs/rules.md lists every rule', () => {
  expect(rows).toEqual(expect.arrayContaining(Object.keys(SAYS)));
});

it.each(FAULTY_DRIVERS)('docs/rules.md says what $id breaks', ({ id, rule, plugin }) => {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${id}\``)) ?? '';
  expect(row).toContain(plugin.manifest.title);
  expect(row).toMatch(new RegExp(`\\| ${rule} +\\|$`));
});
