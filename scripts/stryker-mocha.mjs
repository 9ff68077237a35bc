// Stryker's way to run our Mocha, which the official plug-in does not know in its version 12. A process
// loads the tests once, as modules, and runs them again and again: all of them to see which test reaches
// which mutant, then for each mutant those that reach it.
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import fc from 'fast-check';
import Mocha from 'mocha';
import { TEST_FILES } from '../stryker.config.mjs';

// The same examples for every mutant; a failure is enough, nobody reads the smallest one; and a
// property that holds gets this long, not its thousand runs.
fc.configureGlobal({ seed: 20_261_124, endOnFailure: true, interruptAfterTimeLimit: 500 });

class MochaRunner {
  #instrumenter = (globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {});
  #mocha = new Mocha({ timeout: 0, reporter: class {} });
  #loaded = false;
  #running = false;
  #notesTests = false;

  capabilities() {
    // A module that is loaded stays: what runs at loading needs a process of its own.
    return { reloadEnvironment: false };
  }

  init() {
    this.#mocha.cleanReferencesAfterRun(false);
    for (const file of TEST_FILES) this.#mocha.addFile(file);
    const noteTest = (title) => {
      if (this.#notesTests) this.#instrumenter.currentTestId = title;
    };
    this.#mocha.suite.beforeEach(function () {
      noteTest(this.currentTest.fullTitle());
    });
  }

  async dryRun({ coverageAnalysis, disableBail }) {
    this.#notesTests = coverageAnalysis === 'perTest';
    const result = await this.#run({ disableBail });
    this.#notesTests = false;
    return { ...result, mutantCoverage: this.#instrumenter.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, disableBail, hitLimit, mutantActivation }) {
    this.#instrumenter.hitLimit = hitLimit;
    this.#instrumenter.hitCount = hitLimit === undefined ? undefined : 0;
    if (testFilter !== undefined) this.#mocha.grep(anyOf(testFilter));
    const atLoading = mutantActivation === 'static';
    return toMutantRunResult(await this.#run({ disableBail, mutant: activeMutant.id, atLoading }));
  }

  dispose() {
    // A mutant that took too long is still running; its process is ended.
    if (!this.#running) this.#mocha.dispose();
  }

  async #run({ disableBail, mutant, atLoading = false }) {
    const tests = [];
    try {
      if (!this.#loaded) {
        this.#instrumenter.activeMutant = atLoading ? mutant : undefined;
        await this.#mocha.loadFilesAsync();
        this.#loaded = true;
      }
      this.#instrumenter.activeMutant = mutant;
      setBail(this.#mocha.suite, !disableBail);
      this.#running = true;
      await new Promise((resolve) => {
        const runner = this.#mocha.run(resolve);
        runner.on('pass', (test) => tests.push(passed(test)));
        runner.on('fail', (test, error) => tests.push(failed(test, error)));
      });
      this.#running = false;
    } catch (error) {
      return { status: DryRunStatus.Error, errorMessage: String(error?.stack ?? error) };
    }
    const { hitCount, hitLimit } = this.#instrumenter;
    const status = DryRunStatus.Complete;
    return determineHitLimitReached(hitCount, hitLimit) ?? { status, tests };
  }
}

function passed(test) {
  const id = test.fullTitle();
  return { id, name: id, timeSpentMs: test.duration ?? 0, status: TestStatus.Success };
}

function failed(test, error) {
  const failureMessage = error.stack ?? error.message ?? String(error);
  return { ...passed(test), status: TestStatus.Failed, failureMessage };
}

function setBail(suite, bail) {
  suite.bail(bail);
  for (const child of suite.suites) setBail(child, bail);
}

function anyOf(titles) {
  const escaped = titles.map((title) => title.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`^(?:${escaped.join('|')})$`);
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'mocha-12', MochaRunner)];
