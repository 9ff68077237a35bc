import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const SHUTDOWN = fileURLToPath(new URL('../../platform/shutdown.ts', import.meta.url));

/** Waits for a signal, says when it listens and what it hears, and ends with that. */
const program = (hasTerminal: string) => `
  const { untilSignal } = await import(${JSON.stringify(SHUTDOWN)});
  const say = (what) => process.stdout.write(what + '\\n');
  const alive = setInterval(() => undefined, 1_000);
  const signal = untilSignal({ info: (_what, words) => say(words) }, ${hasTerminal});
  say('listens');
  say(await signal);
  clearInterval(alive);`;

describe('a process that waits for a signal', function () {
  this.timeout(20_000);
  const children: ChildProcess[] = [];

  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** As `nohup` starts it: without a terminal, told to ignore SIGHUP. */
  function start(hasTerminal = 'undefined') {
    const words = ['--import', 'tsx/esm', '--input-type=module', '--eval', program(hasTerminal)];
    const child = spawn('sh', ['-c', 'trap "" HUP; exec "$@"', 'sh', process.execPath, ...words], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let said = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (words: string) => (said += words));
    const hears = async (what: string) => {
      while (!said.includes(what)) await once(child.stdout, 'data');
    };
    const ended = once(child, 'close').then(() => [said.trim().split('\n').at(-1), child.exitCode]);
    return { child, hears, ended };
  }

  it('goes on without its terminal where it was started to do so, and stops when it is told to', async () => {
    const { child, hears, ended } = start();
    await hears('listens');
    child.kill('SIGHUP');
    await hears('goes on');
    child.kill('SIGTERM');

    expect(await ended).to.deep.equal(['SIGTERM', 0]);
  });

  it('ends with its terminal where it has one', async () => {
    const { child, hears, ended } = start('true');
    await hears('listens');
    child.kill('SIGHUP');

    expect(await ended).to.deep.equal(['SIGHUP', 0]);
  });
});
