// Runs the tests: all of them, or the folders of test/ that are named. `--rounds N`, `--seed N` and
// `--kinds "reset late,delete"` are for the fault tests; whatever else begins with a dash is for Mocha.
//   node scripts/test.mjs unit integration --grep "a data folder"
//   node scripts/test.mjs fault --rounds 100 --seed 7
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';
import { runLanes } from './test-lanes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// Two processes at the same time: tests wait more than they work. About as long in one as in the other.
const LANES = [['unit', 'property', 'border', 'replay', 'fault'], ['integration']];
const FOLDERS = LANES.flat();

const NUMBER = { pattern: /^\d{1,9}$/, what: 'a number' };
const NAMES = { pattern: /^[a-z ,]+$/, what: 'names with commas between' };
const { words, environment } = takeOptions(process.argv.slice(2), {
  '--rounds': { variable: 'SOJOURN_TEST_ROUNDS', ...NUMBER },
  '--seed': { variable: 'SOJOURN_TEST_SEED', ...NUMBER },
  '--kinds': { variable: 'SOJOURN_TEST_KINDS', ...NAMES },
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
const lanes = LANES.map((folders) => folders.filter((folder) => chosen.includes(folder)))
  .map((folders) => ({ name: folders.join(', '), files: folders.flatMap(testFiles) }))
  .filter(({ files }) => files.length > 0);
if (lanes.length === 0) {
  process.stderr.write('no tests found\n');
  process.exit(1);
}

await installPackages();
process.exitCode = await runLanes(lanes, { root, options, environment });

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

function testFiles(folder) {
  const path = join(root, 'test', folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', folder, name));
}
