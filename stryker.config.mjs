// Mutation testing of the pure core (docs/mutation-testing.md): `npm run mutate`, or of one file
// `npm run mutate -- --mutate shared/decimal.ts`.
import { readdirSync } from 'node:fs';

/** The tests that are about shared/: no process, no server, no file of the repository. */
const NOT_OF_SHARED = /^(audit|cli|compose|config|deliver|docs|fault|gather|helm|otlp|servers)/;

export const TEST_FILES = ['test/unit', 'test/property'].flatMap((folder) =>
  readdirSync(new URL(folder, import.meta.url))
    .filter((name) => name.endsWith('.test.ts') && !NOT_OF_SHARED.test(name))
    .sort()
    .map((name) => `${folder}/${name}`),
);

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: ['shared/*.ts'],
  testRunner: 'mocha-12',
  plugins: ['./scripts/stryker-mocha.mjs'],
  testRunnerNodeArgs: ['--import', 'tsx/esm'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 10_000,
  disableTypeChecks: false,
  tempDirName: '.sojourn-stryker',
  ignorePatterns: ['.sojourn*', 'dist', 'coverage', 'bench'],
  reporters: ['clear-text', 'progress-append-only', 'json'],
  jsonReporter: { fileName: 'coverage/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  thresholds: { high: 95, low: 85, break: 85 },
};
