import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'docs/api/', 'coverage/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is virtual: simulation.now.' },
        { object: 'Math', property: 'random', message: 'Chance is seeded: simulation.random.' },
        { object: 'performance', property: 'now', message: 'Time is virtual: simulation.now.' },
      ],
      // Tasks and iterators are generators; one that never sleeps today may sleep tomorrow.
      'require-yield': 'off',
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Typed arrays and rings are indexed within bounds that the compiler cannot see.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      // `x !== null && x.f()` says which of the two is asked.
      '@typescript-eslint/prefer-optional-chain': 'off',
    },
  },
  {
    // Machines are made by the thousand and thrown away. V8 makes these functions old at once, and all that they refer to, the
    // machine, then lives as long as they do: until the next full collection.
    files: ['src/{base,engine,mm,fs,kernel,check}/**/*.ts', 'notifiers/**/*.ts', 'devices/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(AssignmentExpression[left.type="MemberExpression"], PropertyDefinition) > ArrowFunctionExpression',
          message: 'Give the function a name first, or bind a method: V8 makes it old at once.',
        },
        {
          selector: 'ObjectExpression > Property[kind=/[gs]et/]',
          message: 'Make it a class: V8 keeps the accessors of each object.',
        },
      ],
    },
  },
  {
    // They import the package by its name, as their readers will: tsconfig.json here says where it is.
    files: ['examples/**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.json' } },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
