/**
 * The house: floors import downwards, folders of one floor do not import each other, and a folder is entered through its
 * index.ts.
 */
const FLOORS = [
  ['^src/engine/', '^src/base/'],
  ['^notifiers/'],
  ['^src/mm/'],
  ['^src/fs/'],
  ['^src/kernel/'],
  ['^devices/'],
  ['^src/lab/', '^src/check/'],
  ['^src/trial/'],
  ['^src/cli/', '^src/testing/', '^src/index\\.ts$'],
];

/** What a floor may not import: everything above it. */
const upward = FLOORS.flatMap((folders, floor) => {
  const above = FLOORS.slice(floor + 1).flat();
  return above.length === 0
    ? []
    : [
        {
          name: `no-import-up-from-floor-${floor}`,
          severity: 'error',
          from: { path: folders },
          to: { path: above },
        },
      ];
});

/** Neighbours: base and engine, lab and check, the command and the kit, the drivers, the NIC and the drivers. */
const NEIGHBOURS = [
  ['^src/base/', '^src/engine/'],
  ['^src/lab/', '^src/check/'],
  ['^src/check/', '^src/lab/'],
  ['^src/cli/', '^src/testing/'],
  ['^src/testing/', '^src/(cli/|index\\.ts$)'],
  ['^devices/contract/', '^devices/(nic|odp|pinned|rxe|faulty|mirror)/'],
  ['^devices/nic/', '^devices/(odp|pinned|rxe|faulty|mirror)/'],
  ['^devices/odp/', '^devices/(nic|pinned|rxe|faulty|mirror)/'],
  ['^devices/pinned/', '^devices/(nic|odp|rxe|faulty|mirror)/'],
  ['^devices/rxe/', '^devices/(nic|odp|pinned|faulty|mirror)/'],
  // The faulty drivers are the ODP driver, each with one step changed.
  ['^devices/faulty/', '^devices/(nic|pinned|rxe|mirror)/'],
  ['^devices/mirror/', '^devices/(nic|odp|pinned|rxe|faulty)/'],
];

const sideways = NEIGHBOURS.map(([from, to]) => ({
  name: `no-import-from-${from.replace(/\W/g, '')}-to-neighbour`,
  severity: 'error',
  from: { path: from },
  to: { path: to },
}));

/** Folders with a face. An import from outside goes to the face. */
const FACES = [
  'src/engine',
  'src/base',
  'notifiers',
  'src/mm',
  'src/fs',
  'src/kernel',
  'devices/contract',
  'devices/nic/wire',
  'devices/odp',
  'devices/pinned',
  'devices/rxe',
  'devices/faulty',
  'devices/mirror',
  'src/lab/capture',
  'src/lab/replay',
  'src/lab/verdict',
  'src/lab/compare',
  'src/lab/program',
  'src/lab/conform',
  'src/lab/fuzz',
  'src/lab/operations',
  'src/check',
  'src/check/explore',
  'src/trial',
  'src/testing',
];

const faces = FACES.map((folder) => ({
  name: `enter-${folder.replace(/\//g, '-')}-by-its-index`,
  severity: 'error',
  from: { pathNot: `^${folder}/` },
  to: { path: `^${folder}/`, pathNot: `^${folder}/index\\.ts$` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upward,
    ...sideways,
    ...faces,
    {
      name: 'no-cycles-between-files',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
