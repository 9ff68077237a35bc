import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { expect } from 'chai';
import { createProgram } from '../../cli/command-line.ts';
import { pendingDifferences } from '../../operations/observe.ts';
import { countArgument, dateArgument, projectArgument, rateArgument } from '../../cli/options.ts';
import { formatBytes, formatMs, printable } from '../../cli/output.ts';
import { processEnvironment } from '../../platform/config.ts';
import { withoutCredentials } from '../../platform/secrets.ts';
import { reasonOf, unreachable } from '../../platform/unreachable.ts';
import { toError } from '../../shared/errors.ts';

const COMMAND = fileURLToPath(new URL('../../bin/sojourn.mjs', import.meta.url));
/** Started processes share the machine with other tests. */
const SPAWN_MS_MAX = 20_000;

function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = processEnvironment();
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { PATH, HOME } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, ...output });
    });
  });
}

describe('the command line', function () {
  this.timeout(SPAWN_MS_MAX);

  it('ends with 0 after help, on standard output', async () => {
    const { code, stdout, stderr } = await run('--help');

    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    for (const name of ['up', 'worker', 'ingest', 'migrate', 'publish', 'status', 'session']) {
      expect(stdout).to.match(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('ends with 2 after wrong usage, with one line', async () => {
    const { code, stdout, stderr } = await run('publish', 'x', '--project', 'Not-Valid');

    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.match(/^error: .*A project is 1 to 64 characters.*\n$/);
  });

  it('ends with 1 where nothing is configured, and says what to do', async () => {
    const { code, stdout, stderr } = await run('--data-dir', 'test/unit', 'session', 'list');

    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.match(/^error: not set: TEMPORAL_ADDRESS.*npx sojourn up.*\n$/);
  });

  for (const words of [
    ['session', 'show', '-x7', '--project', '-shop'],
    ['session', 'show', '--project', '-shop', '-x7'],
    ['session', 'end', '--project', '-shop', '--', '-x7'],
  ]) {
    it(`takes an id that begins with a dash: ${words.join(' ')}`, async () => {
      const { code, stderr } = await run('--data-dir', 'test/unit', ...words);

      // It got as far as looking for the server.
      expect(stderr).to.match(/^error: not set: TEMPORAL_ADDRESS/);
      expect(code).to.equal(1);
    });
  }

  const usageErrors = [
    ['no command', []],
    ['an unknown command', ['nope']],
    ['an unknown option', ['status', '--nope']],
    ['a missing argument', ['session', 'show', '--project', 'a']],
    ['a missing option', ['publish', 'file']],
    ['a bad number', ['session', 'list', '--limit', 'many']],
    ['a bad duration', ['status', '--timeout', '5']],
    ['two ids', ['session', 'show', 'a', '--id', 'b', '--project', 'a']],
    ['nothing to end', ['session', 'end', '--project', 'a']],
    ['an empty query', ['session', 'end', '--project', 'a', '--query', ' ']],
    ['an id and filters', ['session', 'end', 'a', '--project', 'a', '--user', 'u']],
    ['a dry run of one', ['session', 'end', 'a', '--project', 'a', '--dry-run']],
    ['a name of two lines', ['session', 'end', 'a', '--project', 'a', '--by', 'anna\nben']],
    ['no name', ['session', 'exclude', 'a', '--project', 'a', '--by', '']],
    ['a long reason', ['session', 'include', 'a', '--project', 'a', '--reason', 'x'.repeat(301)]],
    ['a time that is none', ['session', 'list', '--since', 'yesterday']],
    ['a cursor that is none', ['session', 'list', '--after', '7f3a']],
    ['a bad choice', ['session', 'list', '--state', 'shut']],
    ['a restatement without its begin', ['restate', '--project', 'a']],
    ['a date that is none', ['restate', '--from', '7d']],
    ['a project that is none', ['project', 'show', 'Shop']],
    ['a setting without its value', ['project', 'set', 'shop', '--currency']],
    ['a day on which no week begins', ['project', 'set', 'shop', '--week', 'friday']],
    ['--file without a --seq', ['deadletters', 'replay', '--file', 'x']],
    ['letters of whom nobody says', ['deadletters', 'delete', '--before', '2026-11-01']],
    ['a reason that says nothing', ['deadletters', 'delete', '--reason', '']],
    ['--file with two', ['deadletters', 'replay', '--file', 'x', '--seq', '1', '2']],
  ] as const;
  for (const [what, words] of usageErrors) {
    it(`takes ${what} as wrong usage`, async () => {
      const program = await createProgram(words);
      quieten(program);

      const error = await program
        .parseAsync(words, { from: 'user' })
        .catch((e: unknown) => e as object);

      expect(error).to.have.property('exitCode', 1);
      expect(error)
        .to.have.property('code')
        .that.matches(/^commander\./);
    });
  }

  for (const [flags, sentence] of [
    [[], /^error: name what to set/],
    [['--time-zone', 'Mars/Olympus'], /^error: --time-zone must be an IANA name/],
    [['--own-host', 'https://shop.example'], /^error: --own-host must be a host/],
    [['--dimension', 'country=land'], /^error: --dimension must not be called country/],
    [['--no-dimension', 'Plan'], /^error: --no-dimension must have a name/],
  ] as const) {
    it(`ends with 2 before it asks a server: project set ${flags.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run('project', 'set', 'shop', ...flags);

      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.match(sentence);
    });
  }

  it('reads a flag of a list and its opposite in the order that they are given', async () => {
    const words = ['--dimension', 'a=b', '--no-dimension', 'a', '--dimension', 'c=d'];
    const program = await createProgram(['project', 'set', 'shop', ...words]);
    const set = program.commands
      .find((command) => command.name() === 'project')
      ?.commands.find((command) => command.name() === 'set');
    set?.action(() => undefined);

    await program.parseAsync(['project', 'set', 'shop', ...words, '--no-currency'], {
      from: 'user',
    });

    expect(set?.opts()).to.deep.include({
      dimension: [{ add: 'a=b' }, { remove: 'a' }, { add: 'c=d' }],
      currency: false,
    });
  });

  it('has a sentence and an example in the help of each command', async () => {
    const words = ['up', 'worker', 'ingest', 'migrate', 'publish', 'import', 'status', 'session'];
    const program = await createProgram([
      ...words,
      ...['project', 'dashboard', 'collect', 'deadletters', 'forget', 'restate', 'audit'],
    ]);

    for (const command of program.commands) {
      for (const one of [command, ...command.commands]) {
        let help = '';
        one.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
        expect(one.description(), one.name()).to.match(/\w+ \w+/);
        expect(help, one.name()).to.match(/Examples?:\s+(\S+=\S+ )*(… )?npx sojourn/);
      }
    }
  });

  it('takes the data folder before and behind the command', async () => {
    for (const words of [
      ['--data-dir', 'd', '--json', 'session', 'list'],
      ['session', 'list', '--data-dir', 'd', '--json'],
      ['--data-dir', 'c', 'session', 'list', '--data-dir', 'd', '--json'],
    ]) {
      const program = await createProgram(words);
      const list = program.commands
        .find((command) => command.name() === 'session')
        ?.commands.find((command) => command.name() === 'list');
      list?.action(() => undefined);

      await program.parseAsync(words, { from: 'user' });

      expect(list?.opts()).to.include({ dataDir: 'd', json: true });
    }
  });
});

function quieten(command: Awaited<ReturnType<typeof createProgram>>): void {
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  for (const child of command.commands) quieten(child);
}

describe('values of options', () => {
  it('are whole numbers of at least 1 for a count', () => {
    expect(countArgument('12')).to.equal(12);
    for (const bad of ['0', '-1', '1.5', '1e3', '', ' 1', 'x', '99999999999999999999']) {
      expect(() => countArgument(bad), bad).to.throw(InvalidArgumentError);
    }
  });

  it('are numbers above 0 for a rate', () => {
    expect(rateArgument('0.5')).to.equal(0.5);
    for (const bad of ['0', '-1', '', 'x', 'Infinity', '0x10']) {
      expect(() => rateArgument(bad), bad).to.throw(InvalidArgumentError);
    }
  });

  it('are days that there are, or times with their zone, for a date', () => {
    expect(dateArgument('2028-02-29')).to.equal(Date.UTC(2028, 1, 29));
    expect(dateArgument('2026-11-28T08:00:00+01:00')).to.equal(Date.UTC(2026, 10, 28, 7));
    for (const bad of [
      '2026-02-30',
      '2026-02-29T10:00:00Z',
      '2026-11-28T08:00:00',
      '2026-11',
      '',
    ]) {
      expect(() => dateArgument(bad), bad).to.throw(InvalidArgumentError);
    }
  });

  it('are 1 to 64 small characters for a project', () => {
    expect(projectArgument('a_b-9')).to.equal('a_b-9');
    for (const bad of ['', 'A', 'a.b', 'a b', 'a*', 'x'.repeat(65)]) {
      expect(() => projectArgument(bad), bad).to.throw(InvalidArgumentError);
    }
  });
});

describe('what commands print', () => {
  it('never holds a password', () => {
    expect(withoutCredentials('nats://u:p%40ss@host:4222,nats://u:p@b:1')).to.equal(
      'nats://host:4222,nats://b:1',
    );
    expect(withoutCredentials('redis://:secret@127.0.0.1:6379')).to.equal('redis://127.0.0.1:6379');
    expect(reasonOf(new Error('cannot reach redis://:secret@h:1'))).to.not.contain('secret');
  });

  it('never steers a terminal', () => {
    expect(printable('a\u001b[31m\r\nb\u202e')).to.equal('a\uFFFD[31m\uFFFD\uFFFDb\uFFFD');
  });

  it('has sizes and times in the unit that suits', () => {
    expect([0, 999, 1_000, 1_234_567].map(formatBytes)).to.deep.equal([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 MB',
    ]);
    expect([12.4, 1_500].map(formatMs)).to.deep.equal(['12 ms', '1.5 s']);
  });

  it('names the reason of a failed connection', () => {
    expect(reasonOf(new AggregateError([new Error('refused')]))).to.equal('refused');
    expect(reasonOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).to.equal(
      'ECONNREFUSED',
    );
  });

  it('names a server that does not answer, where it should be, and why, once', async () => {
    const fail = unreachable('NATS', 'nats://user:secret@h:1');
    const error = await fail(new Error('connection refused')).catch(toError);

    expect(error.message).to.match(/^NATS does not answer at nats:\/\/h:1 \(connection refused\)/);
    expect(reasonOf(error)).to.equal('connection refused');
  });
});

describe('pending differences', () => {
  it('are the records after the last loaded one', () => {
    expect(pendingDifferences({ state: { first_seq: 1, last_seq: 10 } }, 7)).to.equal(3);
    expect(pendingDifferences({ state: { first_seq: 1, last_seq: 10 } }, 10)).to.equal(0);
    expect(pendingDifferences({ state: { first_seq: 1, last_seq: 0 } }, 0)).to.equal(0);
  });

  it('do not count what was purged', () => {
    expect(pendingDifferences({ state: { first_seq: 9, last_seq: 10 } }, 0)).to.equal(2);
  });
});
