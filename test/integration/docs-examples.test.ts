/** The examples of README and docs, run as they are printed, each from a folder of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { processEnvironment } from '../../platform/config.ts';
import { toError } from '../../shared/errors.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { eventually } from '../support/eventually.ts';
import { useServers } from '../support/servers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const call = promisify(execFile);

/** The first code block of a language. */
function block(path: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(text(path));
  if (found?.[1] === undefined) throw new Error(`${path} has no ${language}`);
  return found[1];
}

/** The version that the docs name. */
function pinned(pattern: RegExp): string {
  const found = pattern.exec(text('docs/publishing.md'))?.[0];
  if (found === undefined) throw new Error(`docs/publishing.md does not install ${pattern.source}`);
  return found;
}

describe('the examples of the documentation', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let folder: string;

  before(async () => {
    pipeline = await startPipelineProcess(servers(), {});
    around = await connectAround(servers());
  });
  after(async () => {
    await around.close();
    await pipeline.stop();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-docs-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const execute = async (program: string, args: readonly string[], timeout = 60_000) => {
    const env = { ...processEnvironment(), NATS_URL: servers().nats.url };
    await call(program, args, { cwd: folder, env, timeout });
  };

  /** Gets what an example needs; a machine that cannot is told so, and the test is left out. */
  async function obtain(context: Mocha.Context, what: string, get: () => Promise<void>) {
    await get().catch((error: unknown) => {
      const why = toError(error).message.split('\n')[0] ?? '';
      process.stderr.write(`      ${what} is not available here: ${why}\n`);
      context.skip();
    });
  }

  /** Whatever sessions of other tests are about, on the same servers. */
  async function expectEvents(sessionId: string, events: number): Promise<void> {
    await eventually(
      async () => {
        const rows = await around.select<{ events: string }>(
          `SELECT toString(s.events) AS events FROM sojourn.sessions_current AS s
           WHERE project = 'shop' AND session_id = '${sessionId}'`,
        );
        expect(rows).to.deep.equal([{ events: String(events) }]);
      },
      { withinMs: 120_000 },
    );
  }

  it('publish with the README as it is', async () => {
    const example = block('README.md', 'json');

    const { code, stderr } = await sojourn(
      ['publish', '-', '--project', 'shop'],
      environmentOf(servers()),
      example,
    );

    expect(code, stderr).to.equal(0);
    await expectEvents('3f2a', 1);
  });

  it('publish in TypeScript', async () => {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'publish.ts'), block('docs/publishing.md', 'ts'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));

    await execute(process.execPath, ['--import', 'tsx/esm', 'publish.ts']);

    await expectEvents('typescript', 2);
  });

  it('publish in Python', async function () {
    const wheel = pinned(/nats-py==[\d.]+/);
    await obtain(this, wheel, async () => {
      await execute('python3', ['-m', 'venv', '.venv']);
      await execute(join(folder, '.venv/bin/pip'), ['install', '-q', wheel]);
    });
    writeFileSync(join(folder, 'publish.py'), block('docs/publishing.md', 'python'));

    await execute(join(folder, '.venv/bin/python'), ['publish.py']);

    await expectEvents('python', 3);
  });

  it('publish in Go', async function () {
    const module = pinned(/github\.com\/nats-io\/nats\.go@v[\d.]+/);
    await obtain(this, module, async () => {
      await execute('go', ['mod', 'init', 'example']);
      await execute('go', ['get', module]);
    });
    writeFileSync(join(folder, 'main.go'), block('docs/publishing.md', 'go'));

    // The first time it compiles all that the client needs: a minute on two cores with nothing beside.
    await execute('go', ['build', '-o', 'example', '.'], 300_000);
    await execute(join(folder, 'example'), []);

    await expectEvents('go', 1);
  });
});
