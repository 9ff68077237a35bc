'use strict';
// Kept as CommonJS because Mocha reads it with require(). `tsx/esm`, not `tsx`: the latter would turn tests into CommonJS.

// Mocha would run these besides the files that are named on its command line.
const named = process.argv.some((word) => word.endsWith('.test.ts'));

module.exports = {
  'node-option': ['import=tsx/esm'],
  require: ['test/support/root-hooks.ts'],
  reporter: 'test/support/reporter.cjs',
  spec: named ? [] : ['test/{unit,property,border,replay,integration,fault}/**/*.test.ts'],
  // Only what hangs: beside others everything takes many times as long as alone.
  timeout: 240_000,
  slow: 10_000,
  forbidOnly: process.env.CI !== undefined,
  exit: false,
};
