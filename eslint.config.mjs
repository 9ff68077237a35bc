import tseslint from 'typescript-eslint';

// Borders between the layers (docs/architecture.md): a workflow sees only shared/ and the workflow
// library, the pure core sees only itself, activities see neither workers nor workflows at run time.
const border = (regex, message) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    { patterns: [{ regex, allowTypeImports: true, message }] },
  ],
});
const globalsBanned = (names, message) => ({
  'no-restricted-globals': ['error', ...names.map((name) => ({ name, message }))],
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.sojourn*/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // A leading underscore says: left out on purpose.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { varsIgnorePattern: '^_', argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Configuration comes from platform/config.ts.',
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      ...border(
        '^(?!@temporalio/(workflow|common)$|\\./|\\.\\./shared/[^/]+$)',
        'Workflow code imports only shared/ and @temporalio/workflow.',
      ),
      ...globalsBanned(['process', 'Buffer', 'fetch'], 'Workflow code is deterministic.'),
    },
  },
  {
    files: ['shared/**/*.ts'],
    rules: {
      ...border('^(?!\\./[^/]+$)', 'The pure core imports only itself.'),
      ...globalsBanned(['process', 'Buffer', 'fetch'], 'The pure core does no I/O.'),
    },
  },
  {
    // No workflow can import from a folder of shared/, so what is there may know more.
    files: ['shared/channels/**/*.ts'],
    rules: border(
      '^(?!\\./[^/]+$|tldts$)',
      'Attribution imports itself and the public suffix list.',
    ),
  },
  {
    files: ['activities/**/*.ts'],
    rules: border(
      '^\\.\\./(workers|operations|demo|cli|bench|servers|workflows)/',
      'Activities are called by workflows; they do not reach up.',
    ),
  },
  {
    files: ['bulk/**/*.ts'],
    rules: border(
      '^\\.\\./(operations|demo|cli|bench|test)/',
      'A load in bulk takes sessions from whoever has them.',
    ),
  },
  {
    files: ['imports/**/*.ts'],
    rules: border(
      '^\\.\\./(cli|demo|dashboard|bench|test)/',
      'An import is no command: it returns data, commands print it.',
    ),
  },
  {
    files: ['trackers/**/*.ts', 'imports/formats/**/*.ts'],
    rules: {
      ...border(
        '^(?!\\./[^/]+$|\\.\\./(\\.\\./)?trackers/|\\.\\./(\\.\\./)?shared/[^/]+$|node:crypto$)',
        'What a tracker or a line of a file becomes is a pure function of it.',
      ),
      ...globalsBanned(['process', 'fetch'], 'Trackers and formats do no I/O.'),
    },
  },
  {
    files: ['operations/**/*.ts'],
    rules: border(
      '^\\.\\./(cli|demo|bench|test)/',
      'What operators do is not how commands look: operations return data, commands print it.',
    ),
  },
  {
    files: ['collect/**/*.ts'],
    rules: border(
      '^\\.\\./(cli|demo|bench|test|activities|servers|bulk|dashboard)/',
      'The way in checks and publishes events; what becomes of them is for others.',
    ),
  },
  {
    files: ['dashboard/**/*.ts'],
    rules: border(
      '^\\.\\./(cli|demo|bench|test|workers|activities|servers)/',
      'The page reads ClickHouse and asks Temporal; it is no part of the pipeline, and no command.',
    ),
  },
  {
    // What browsers load as it lies there; its types are checked by `tsc -p dashboard/page-types`.
    files: ['dashboard/page/**/*.js', 'collect/shop/*.js'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { varsIgnorePattern: '^_', argsIgnorePattern: '^_' },
      ],
      eqeqeq: 'error',
    },
  },
  {
    // Chai's property assertions are expressions.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off' },
  },
  { files: ['platform/config.ts'], rules: { 'no-restricted-properties': 'off' } },
);
