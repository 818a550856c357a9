import { DeviceWatchers, type DeviceWatcher } from '../../../devices/contract/index.js';
import { Machine } from '../../support/machine.js';

/** Writes down what it is told. */
function listener(name: string, log: string[]): DeviceWatcher {
  return {
    accessed: (mm, ...access) => log.push(`${name}: accessed ${mm.name} ${access.join(' ')}`),
    installed: (mm, ...entry) => log.push(`${name}: installed ${mm.name} ${entry.join(' ')}`),
    removed: (mm, ...entry) => log.push(`${name}: removed ${mm.name} ${entry.join(' ')}`),
    faultRaised: (_fault, mm, ...range) => log.push(`${name}: fault ${mm.name} ${range.join(' ')}`),
    faultEnded: (_fault, outcome) => log.push(`${name}: ${outcome}`),
    deadKeyUsed: (...use) => log.push(`${name}: ${use.join(' ')}`),
  };
}

it('tells each watcher all that the device tells, in the order in which they came', () => {
  const { mm } = new Machine();
  const log: string[] = [];
  const watchers = new DeviceWatchers();
  watchers.add(listener('rules', log));
  watchers.add(listener('trace', log));
  const fault = {};
  watchers.faultRaised(fault, mm, 0x1000, 4096);
  watchers.installed(mm, 0x1000, 5, true);
  watchers.faultEnded(fault, 'retry');
  watchers.accessed(mm, 0x1008, 8, 5, 8, true);
  watchers.removed(mm, 0x1000, 5, true);
  watchers.deadKeyUsed('key 1', 77, 'map');
  expect(log.filter((line) => line.startsWith('rules'))).toEqual([
    `rules: fault ${mm.name} 4096 4096`,
    `rules: installed ${mm.name} 4096 5 true`,
    'rules: retry',
    `rules: accessed ${mm.name} 4104 8 5 8 true`,
    `rules: removed ${mm.name} 4096 5 true`,
    'rules: key 1 77 map',
  ]);
  expect(log.map((line) => line.split(':')[0])).toEqual(Array(6).fill(['rules', 'trace']).flat());
});
