/**
 * The workflow code as one script. A build has it ready in `dist/`; from sources it is bundled once
 * for each state of them, and kept.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundleOption } from '@temporalio/worker';

const SELF = fileURLToPath(import.meta.url);
const ROOT = join(dirname(SELF), '..', '..');

/** Bundles the workflows of the tree this file is in. Takes a second and a half. */
export async function bundleWorkflows(): Promise<string> {
  const workflowsPath = join(ROOT, 'workflows', `index${extname(SELF)}`);
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    payloadConverterPath: join(ROOT, 'workflows', `payload-converter${extname(SELF)}`),
    webpackConfigHook: (config) => {
      keepModernSyntax(config.module?.rules);
      return config;
    },
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  });
  return code;
}

/** The SDK has spreads rewritten into loops for engines of 2017, which no supported Node is. */
function keepModernSyntax(rules: unknown): void {
  for (const { use } of rules as { use?: { options?: { jsc?: { target?: string } } } }[]) {
    if (use?.options?.jsc !== undefined) use.options.jsc.target = 'es2022';
  }
}

/** The bundle as a worker takes it. */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  const built = join(ROOT, 'workflow-bundle.js');
  if (existsSync(built)) return { codePath: built };
  const cached = join(ROOT, 'node_modules', '.cache', 'sojourn', `workflows-${sourceHash()}.js`);
  if (!existsSync(cached)) {
    mkdirSync(dirname(cached), { recursive: true });
    const draft = `${cached}.${process.pid}`;
    writeFileSync(draft, await bundleWorkflows());
    renameSync(draft, cached);
  }
  return { codePath: cached };
}

function sourceHash(): string {
  const hash = createHash('sha256');
  hash.update(readFileSync(SELF));
  for (const folder of ['shared', 'workflows']) addFolder(hash, join(ROOT, folder));
  // Another version of the workflow library is another bundle.
  hash.update(readFileSync(join(ROOT, 'package-lock.json')));
  return hash.digest('hex').slice(0, 16);
}

/** What lies in folders of it is not for workflows. */
function addFolder(hash: Hash, folder: string): void {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const name of files.map((file) => file.name).sort()) {
    hash.update(name).update(readFileSync(join(folder, name)));
  }
}
