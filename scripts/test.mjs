// Runs the tests: all of them, or the folders of test/ that are named. `--rounds N` and `--seed N` are
// for the fault tests; whatever else begins with a dash is for Mocha.
//   node scripts/test.mjs unit integration --grep "a data folder"
//   node scripts/test.mjs fault --rounds 100 --seed 7
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['unit', 'property', 'replay', 'integration', 'fault'];

const { words, environment } = takeNumbers(process.argv.slice(2), {
  '--rounds': 'SOJOURN_TEST_ROUNDS',
  '--seed': 'SOJOURN_TEST_SEED',
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
const files = (asked.length > 0 ? asked : FOLDERS).flatMap(testFiles);
if (files.length === 0) {
  process.stderr.write('no tests found\n');
  process.exit(1);
}

await installPackages();
const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
const child = spawn(process.execPath, [mocha, ...options, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...environment },
});
// A Ctrl-C reaches Mocha by the terminal; we wait for it to stop its servers.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});

/** Takes our own options out of the words; test/support/fault-options.ts reads the variables. */
function takeNumbers(given, variables) {
  const words = [];
  const environment = {};
  for (let index = 0; index < given.length; index += 1) {
    const [name, inline] = given[index].split('=', 2);
    if (!(name in variables)) {
      words.push(given[index]);
      continue;
    }
    const value = inline ?? given[(index += 1)] ?? '';
    if (!/^\d{1,9}$/.test(value)) {
      process.stderr.write(`${name} takes a number, got "${value}"\n`);
      process.exit(2);
    }
    environment[variables[name]] = value;
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
