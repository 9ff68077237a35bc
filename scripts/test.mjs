// Runs the tests: all of them, or the folders of test/ that are named. `--rounds N`, `--seed N` and
// `--kinds "reset late,delete"` and `--temporal postgres` are for the fault tests; whatever else begins with a dash is for Mocha.
//   node scripts/test.mjs unit integration --grep "a data folder"
//   node scripts/test.mjs fault --rounds 100 --seed 7
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';
import { runPools } from './test-lanes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// Tests with servers wait more than they work, so there are more of these lanes than cores, and one for
// what only calculates: it takes what they leave.
const CALCULATING = ['property', 'border', 'replay', 'unit'];
const WITH_SERVERS = ['fault', 'integration'];
const FOLDERS = [...CALCULATING, ...WITH_SERVERS];
const SERVER_LANES = Math.min(4, availableParallelism() + 1);
/** These wait for servers that were killed, and have time for that, but not beside four others. */
const CALM = [
  'fault/faults',
  'fault/nats-cluster',
  'fault/stop',
  'integration/task-done-again',
].map(testFile);
/** These ask how soon things are well again, or are as fast as the machine is: beside others they would find it busy. */
const UNDISTURBED = [
  'fault/rolling-restart',
  'fault/hot-session',
  'integration/collect-nats-away',
].map(testFile);
/** Those that take over half a minute go first, so that no lane is left with one at the end. */
const LONGEST = [
  'integration/import',
  'integration/import-undo',
  'integration/forget',
  'integration/stuck-sessions',
  'integration/cli',
  'integration/analysts',
  'integration/health',
  'integration/processes',
  'integration/dashboard-page',
  'integration/local-days',
  'integration/collect-trackers',
  'integration/page-numbers',
  'integration/exclude',
  'integration/retention',
  'integration/border',
  'integration/consumer-anew',
  'fault/restore',
  'fault/restore-commands',
  'fault/no-window',
  'integration/temporal-template',
].map(testFile);

const NUMBER = { pattern: /^\d{1,9}$/, what: 'a number' };
const NAMES = { pattern: /^[a-z ,]+$/, what: 'names with commas between' };
const { words, environment } = takeOptions(process.argv.slice(2), {
  '--rounds': { variable: 'SOJOURN_TEST_ROUNDS', ...NUMBER },
  '--seed': { variable: 'SOJOURN_TEST_SEED', ...NUMBER },
  '--kinds': { variable: 'SOJOURN_TEST_KINDS', ...NAMES },
  '--temporal': {
    variable: 'SOJOURN_TEST_TEMPORAL',
    pattern: /^(?:embedded|postgres)$/,
    what: 'embedded or postgres',
  },
});
const firstOption = words.findIndex((word) => word.startsWith('-'));
const asked = firstOption === -1 ? words : words.slice(0, firstOption);
const options = firstOption === -1 ? [] : words.slice(firstOption);

const unknown = asked.filter((folder) => !FOLDERS.includes(folder));
if (unknown.length > 0) {
  process.stderr.write(
    `no such folder of tests: ${unknown.join(', ')}; there are ${FOLDERS.join(', ')}\n`,
  );
  process.exit(2);
}
const chosen = asked.length > 0 ? asked : FOLDERS;
const filesOf = (folders) =>
  folders.filter((folder) => chosen.includes(folder)).flatMap((folder) => testFiles(folder));
const calculating = filesOf(CALCULATING);
const all = longestFirst(filesOf(WITH_SERVERS));
const calm = all.filter((file) => CALM.includes(file));
const undisturbed = all.filter((file) => UNDISTURBED.includes(file));
const withServers = all.filter((file) => !calm.includes(file) && !undisturbed.includes(file));
if (calculating.length + all.length === 0) {
  process.stderr.write('no tests found\n');
  process.exit(1);
}

await installPackages();
// The commands as JavaScript, for this run.
const build = join('node_modules', '.cache', 'sojourn', `test-${process.pid}`);
environment.SOJOURN_TEST_COMMAND = join(root, build, 'dist', 'cli', 'main.js');
try {
  const ready = all.length > 0 && prepare();
  process.exitCode = await runPools(
    [
      { files: withServers, lanes: SERVER_LANES, ready },
      {
        files: calculating,
        lanes: withServers.length > 0 ? 1 : availableParallelism(),
        calculates: true,
      },
      { files: calm, lanes: 2, ready, stage: 1 },
      { files: undisturbed, lanes: 1, ready, stage: 2 },
    ],
    { root, options, environment },
  );
} finally {
  rmSync(join(root, build), { recursive: true, force: true });
}

/** May take minutes once, where server programs have to be built. */
async function prepare() {
  const words = ['--import', 'tsx/esm', join('test', 'support', 'prepare.ts'), build];
  const stdio = ['ignore', 'inherit', 'inherit'];
  const [code, signal] = await once(spawn(process.execPath, words, { cwd: root, stdio }), 'exit');
  if (code !== 0) throw new Error(`it ended with ${signal ?? `code ${code}`}`);
}

function longestFirst(files) {
  return [
    ...LONGEST.filter((file) => files.includes(file)),
    ...files.filter((file) => !LONGEST.includes(file)),
  ];
}

/** Takes our own options out of the words; test/support/fault-options.ts reads the variables. */
function takeOptions(given, ours) {
  const words = [];
  const environment = {};
  for (let index = 0; index < given.length; index += 1) {
    const [name, inline] = given[index].split('=', 2);
    if (!(name in ours)) {
      words.push(given[index]);
      continue;
    }
    const value = inline ?? given[(index += 1)] ?? '';
    const { variable, pattern, what } = ours[name];
    if (!pattern.test(value)) {
      process.stderr.write(`${name} takes ${what}, got "${value}"\n`);
      process.exit(2);
    }
    environment[variable] = value;
  }
  return { words, environment };
}

function testFile(name) {
  return join('test', `${name}.test.ts`);
}

function testFiles(folder) {
  const path = join(root, 'test', folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', folder, name));
}
