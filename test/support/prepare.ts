/**
 * Before tests with servers: what the first to come would make while others wait for it, the server programs and
 * the workflow code as one script; and the commands as JavaScript, as an image has them, because tests start some
 * hundred processes, each of which would spend a second on its TypeScript.
 *
 *   node --import tsx/esm test/support/prepare.ts FOLDER   (a new one, within the repository)
 */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { obtainServers } from '../../servers/index.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';
import { testStartOptions } from './servers-options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('for which folder?');

const dist = join(root, folder, 'dist');
compile();
for (const name of ['migrations', 'dashboard', 'collect', 'package.json']) {
  symlinkSync(join(root, name), join(root, folder, name));
}
const bundle = await workflowBundle();
if (!('codePath' in bundle)) throw new Error('the workflow code is in no file');
copyFileSync(bundle.codePath, join(dist, 'workflow-bundle.js'));
await obtainServers({
  ...testStartOptions('none'),
  progress: (name, what, usual) => {
    process.stderr.write(`${name}: ${what}${usual === undefined ? '' : `, ${usual}`}\n`);
  },
});

/** As `npm run build` does, but file by file and without a look at types. */
function compile(): void {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), (path) =>
    readFileSync(path, 'utf8'),
  ) as { config: { readonly include: readonly string[] } };
  for (const part of config.include) {
    for (const name of readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
      const target = join(dist, part, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, javaScriptOf(join(root, part, name)));
    }
  }
}

function javaScriptOf(file: string): string {
  return ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  }).outputText;
}
