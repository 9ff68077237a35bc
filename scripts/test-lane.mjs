// A process that runs test files, one after the other, as test-lanes.mjs hands them out: each is a run of
// Mocha of its own, while what they share (modules, servers) stays. Its words are options for Mocha.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import Mocha from 'mocha';
import { loadOptions } from 'mocha/lib/cli/options.cjs';
import { endRun } from '../test/support/at-end.ts';

const options = loadOptions(process.argv.slice(2));
for (const path of options.require ?? []) await import(pathToFileURL(resolve(path)).href);

/** How much longer tests may take here than they say, where others come first. */
const patience = Number(process.env.SOJOURN_TEST_PATIENCE ?? 1);

for (;;) {
  const file = await nextFile();
  if (file === undefined) break;
  await runFile(file);
}
await endRun();
process.send({ ended: true });

/** The channel keeps nobody (on-interrupt.ts), but for as long as an answer is waited for. */
function nextFile() {
  return new Promise((resolve) => {
    process.channel.ref();
    process.once('message', ({ file }) => {
      process.channel.unref();
      resolve(file);
    });
    process.send({ next: true });
  });
}

/** The reporter sends the counts. A file that cannot be loaded is one failure. */
async function runFile(file) {
  const mocha = new Mocha(options);
  mocha.addFile(file);
  try {
    await mocha.loadFilesAsync();
  } catch (error) {
    const { message, stack } = error;
    process.send({
      stats: { passes: 0, pending: 0, failures: 1 },
      failures: [{ titles: [file, 'is loaded'], err: { message: String(message), stack } }],
    });
    return;
  }
  if (patience > 1) waitLonger(mocha.suite);
  await new Promise((resolve) => mocha.run(resolve));
  mocha.dispose();
}

/** Each part has a limit of its own by now. */
function waitLonger(suite) {
  const hooks = ['_beforeAll', '_beforeEach', '_afterEach', '_afterAll'].flatMap((s) => suite[s]);
  for (const part of [...suite.tests, ...hooks]) part.timeout(part.timeout() * patience);
  for (const inner of suite.suites) waitLonger(inner);
}
