// Runs the tests: all of them, or the folders of test/ that are named; what begins with a dash is for
// Mocha. `node scripts/test.mjs unit integration --grep "a data folder"`
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['unit', 'property', 'replay', 'integration', 'fault'];

const words = process.argv.slice(2);
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
});
// A Ctrl-C reaches Mocha by the terminal; we wait for it to stop its servers.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});

function testFiles(folder) {
  const path = join(root, 'test', folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', folder, name));
}
