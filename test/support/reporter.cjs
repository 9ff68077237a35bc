'use strict';
// Mocha's own report, and one last line with the counts for whoever reads it by machine. Where Mocha is
// one of several processes that `scripts/test.mjs` runs, the end of the report is left to that one.
// CommonJS because Mocha loads reporters with require().
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  epilogue() {
    const { stats, failures } = this;
    if (process.send === undefined) printClosing({ stats, failures });
    else process.send({ stats, failures: failures.map(asMessage) });
  }
};

module.exports.printClosing = printClosing;

/** Mocha's closing counts and every failure; then the line. */
function printClosing({ stats, failures }) {
  reporters.Base.prototype.epilogue.call({ stats, failures });
  const { passes = 0, failures: failed = 0, pending = 0 } = stats;
  const skipped = pending > 0 ? `, ${pending} skipped` : '';
  reporters.Base.consoleLog(`${passes} passed, ${failed} failed${skipped}`);
}

/** What Mocha prints of a failure, and nothing that is not JSON. */
function asMessage(test) {
  return { titles: test.titlePath(), err: errorAsMessage(test.err) };
}

function errorAsMessage(error) {
  if (typeof error !== 'object' || error === null) return { message: String(error) };
  const { message, stack, uncaught, showDiff, actual, expected, cause, multiple } = error;
  return {
    message: String(message),
    stack,
    uncaught,
    // Mocha has made texts of them where they are worth a comparison.
    ...(typeof actual === 'string' && typeof expected === 'string'
      ? { showDiff, actual, expected }
      : { showDiff: false }),
    ...(cause instanceof Error && { cause: errorAsMessage(cause) }),
    ...(Array.isArray(multiple) && { multiple: multiple.map(errorAsMessage) }),
  };
}
