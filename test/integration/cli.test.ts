/** The commands on real servers, as operators and producers call them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type {
  DeadLetterEntry,
  DeleteFigures,
  ReplayFigures,
} from '../../operations/dead-letter-stream.ts';
import type { Status } from '../../operations/observe.ts';
import type { PublishFigures } from '../../operations/publish-files.ts';
import type { SessionRow } from '../../operations/temporal-sessions.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import type { SessionView } from '../../shared/session-view.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  sojournProcess,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { freePort } from '../../servers/index.ts';
import { useServers } from '../support/servers.ts';

/** Each look is a process of its own, which takes seconds to start on a busy machine. */
const SOON = { withinMs: 60_000, everyMs: 500 };

describe('the commands', function () {
  this.timeout(300_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-cli-'));
    // Nothing ends or writes by itself while a test looks at it.
    pipeline = await startPipelineProcess(servers(), { SESSION_CHECKPOINT: 'off' });
    around = await connectAround(servers());
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
    rmSync(folder, { recursive: true });
  });

  const run = (words: readonly string[], input?: string, change: Record<string, string> = {}) =>
    sojournProcess(words, { ...environmentOf(servers()), ...change }, input);

  /** The JSON that a command prints. */
  async function json<T>(words: readonly string[], input?: string): Promise<T> {
    const { code, stdout, stderr } = await run([...words, '--json'], input);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as T;
  }

  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
  const event = (sessionId: string, eventType: string, seconds = 0) =>
    JSON.stringify({ eventType, sessionId, timestamp: at(seconds), properties: { path: '/' } });
  const visit = (sessionId: string) =>
    ['pageview', 'pageview', 'session_end'].map((type, i) => event(sessionId, type, i)).join('\n');
  const visits = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => visit(`${name}-${i}`)).join('\n');

  const arrived = () => untilLoaded(environmentOf(servers()));

  const sessionsOf = (project: string) =>
    around.select<{ sessions: string; events: string; ended: string }>(
      `SELECT toString(count()) AS sessions, toString(sum(s.events)) AS events,
         toString(countIf(state = 'ended')) AS ended
       FROM sojourn.sessions_current AS s WHERE project = '${project}'`,
    );

  it('publish files and standard input, and wait until all of it is in ClickHouse', async () => {
    const plain = file('plain.ndjson', visits('plain', 40));
    const zipped = file('zipped.ndjson.gz', gzipSync(`${visits('zipped', 40)}\n`));

    const files = await json<PublishFigures>(['publish', plain, zipped, '--project', 'cli-all']);
    const input = await json<PublishFigures>(
      ['publish', '-', '--project', 'cli-all'],
      visits('in', 20),
    );
    await arrived();

    expect(files).to.include({ messages: 240, acknowledged: 240, failed: 0 });
    expect(input).to.include({ messages: 60, acknowledged: 60, failed: 0 });
    expect(await sessionsOf('cli-all')).to.deep.equal([
      { sessions: '100', events: '300', ended: '100' },
    ]);
    // A server that a busy machine holds up for 5 s counts as away, and is asked again.
    const status = await eventually(() => json<Status>(['status', '--wait']), SOON);
    expect(status.events).to.deep.equal({ pending: 0, unacknowledged: 0 });
    expect(status.differences).to.deep.equal({ pending: 0 });
  });

  it('wait for sessions that settle late events', async () => {
    await json(['publish', '-', '--project', 'cli-late'], visit('late'));
    await arrived();

    await json(['publish', '-', '--project', 'cli-late'], event('late', 'pageview', 1.5));
    await arrived();

    expect(await sessionsOf('cli-late')).to.deep.equal([
      { sessions: '1', events: '4', ended: '1' },
    ]);
  });

  it('publish at the rate that was asked for', async () => {
    const { durationMs } = await json<PublishFigures>(
      ['publish', '-', '--project', 'cli-rate', '--rate', '20'],
      visits('rate', 7),
    );

    // It would take a minute at 20 a minute.
    expect(durationMs).to.be.within(900, 30_000);
  });

  it('publish what is around lines that the stream or the server does not take', async () => {
    const [forStream, forServer] = [1_500_000, 3_000_000].map((bytes) => 'x'.repeat(bytes));
    const path = file(
      'long.ndjson',
      [visit('a'), forStream, visit('b'), forServer, visit('c')].join('\n'),
    );

    const { code, stdout, stderr } = await run([
      'publish',
      path,
      '--project',
      'cli-long',
      '--json',
    ]);

    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.include({ messages: 11, acknowledged: 9, failed: 2 });
    expect(stderr).to.match(/long\.ndjson:4: the line has 1,500,000 bytes, more than .* EVENTS/);
    expect(stderr).to.match(/long\.ndjson:8: the line has 3,000,000 bytes/);
  });

  it('say that lines are no JSON, which they send as they are', async () => {
    const text = file('text.txt', `Dear Sojourn,\n${visit('letter')}\nyours\n`);

    const { code, stdout, stderr } = await run([
      'publish',
      text,
      '--project',
      'cli-text',
      '--json',
    ]);

    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.include({ messages: 5, acknowledged: 5, failed: 0, notJson: 2 });
    expect(stderr).to.match(/text\.txt:1: no JSON/);
    expect(stderr).to.match(/error: 2 of 5 lines are no JSON.*dead letters/);
  });

  // A server that a busy machine holds up for 5 s counts as away too: then the whole of it is looked at again.
  it('show the state of everything', () =>
    eventually(async () => {
      const status = await json<Status>(['status']);

      expect(Object.keys(status)).to.deep.equal([
        'servers',
        'events',
        'sessions',
        'differences',
        'deadLetters',
        'deadLettersByProject',
        'oldestUnloadedMs',
        'redelivered',
        'paused',
        'advice',
      ]);
      for (const [name, url] of [
        ['nats', servers().nats.url],
        ['temporal', servers().temporal.address],
        ['clickhouse', servers().clickhouse.url],
        ['redis', servers().redis.url.replace(/\/\/.*@/, '//')],
      ] as const) {
        const server = status.servers[name];
        expect(server).to.include({ reachable: true, url });
        expect(server).to.have.property('latencyMs').that.is.within(0, 5_000);
      }
    }, SOON));

  it('tell which servers are away, with exit code 1', async () => {
    const port = await freePort();
    const away = {
      NATS_URL: `nats://user:secret@127.0.0.1:${port}`,
      REDIS_URL: `redis://:secret@127.0.0.1:${port}`,
    };

    let said = '';
    await eventually(async () => {
      const { code, stdout, stderr } = await run(['status'], undefined, away);
      said += stdout + stderr;

      const status = JSON.parse(stdout) as Status;
      expect(code).to.equal(1);
      expect(status.servers.nats).to.include({
        reachable: false,
        url: `nats://127.0.0.1:${port}`,
      });
      expect(status.servers.redis).to.include({ reachable: false });
      expect(status.servers.temporal).to.include({ reachable: true });
      expect(status.events).to.deep.equal({ pending: null, unacknowledged: null });
      expect(status.deadLetters).to.equal(null);
      expect(stderr).to.match(/^error: not reachable: nats .*redis .*npx sojourn up.*\n$/);
    }, SOON);
    expect(said).to.not.contain('secret');
  });

  it('give up waiting when the time is up, with the status as it was', async () => {
    const { code, stdout, stderr } = await run(['status', '--wait', '--timeout', '1ms']);

    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.have.property('servers');
    expect(stderr).to.match(/^error: not everything was in ClickHouse after 0\.001 s\n$/);
  });

  describe('of sessions', () => {
    const project = ['--project', 'cli-sessions'];

    before(async () => {
      await json(['publish', '-', ...project], `${visit('closed')}\n${event('open', 'pageview')}`);
      await arrived();
    });

    const listed = async (state: string) =>
      (await json<SessionRow[]>(['session', 'list', ...project, '--state', state])).map((row) => [
        row.id,
        row.state,
        row.engaged,
      ]);

    it('list them by their state, the newest first', async () => {
      await eventually(async () => {
        expect(await listed('open')).to.deep.equal([['open', 'open', false]]);
        expect(await listed('closed')).to.deep.equal([['closed', 'closed', true]]);
      }, SOON);
      expect((await listed('all')).map(([id]) => id)).to.have.members(['open', 'closed']);
    });

    it('show one, open or closed', async () => {
      const open = await json<SessionView>(['session', 'show', 'open', ...project]);
      const closed = await json<SessionView>(['session', 'show', 'closed', ...project]);

      expect(open).to.include({ status: 'open', events: 1, pageViews: 1, bounced: true });
      expect(closed).to.include({ status: 'ended', endReason: 'session_end', events: 3 });
    });

    it('end one, and know that it has ended', async () => {
      await json(['publish', '-', ...project], event('to-end', 'pageview'));
      await arrived();

      const ended = await json<SessionView>(['session', 'end', 'to-end', ...project]);
      const again = await run(['session', 'end', 'to-end', ...project, '--json']);

      expect(ended).to.include({ status: 'ended', endReason: 'operator', written: true });
      expect(again.code).to.equal(0);
      expect(JSON.parse(again.stdout)).to.include({ status: 'ended' });
      expect(again.stderr).to.match(/had already ended/);
    });

    it('say of one that was terminated in Temporal that it cannot be ended', async () => {
      const words = ['--project', 'cli-terminated'];
      await json(['publish', '-', ...words], event('cut', 'pageview'));
      await arrived();
      const { client, connection } = await connectTemporalOf(servers());
      await client.workflow.getHandle(sessionWorkflowId('cli-terminated', 'cut')).terminate();
      await connection.close();

      const { code, stderr } = await run(['session', 'end', 'cut', ...words]);

      expect(code).to.equal(1);
      expect(stderr).to.match(/terminated.* cannot be ended.* its next event/);
    });

    it('list a session that is open again as open only', async () => {
      await json(['publish', '-', ...project], visit('again'));
      await arrived();
      let late = 9;
      // Holds the session open for LATE_GRACE. One look may take as long, so that each has an event of its own.
      const listedOpen = async (state: string) => {
        await around.publish('cli-sessions', event('again', 'pageview', (late += 1)));
        return (await listed(state)).map(([id]) => id);
      };

      await eventually(async () => {
        expect(await listedOpen('open')).to.include('again');
        expect(await listedOpen('closed')).to.not.include('again');
      }, SOON);
      expect((await listed('all')).filter(([id]) => id === 'again')).to.have.length(1);
    });

    it('list sessions whose ids are no plain words, and when they began', async () => {
      const names = ['what?', 'back\\slash', 'quo"te', "apo'strophe", '-dash'];
      await json(
        ['publish', '-', '--project', 'cli-names'],
        [...names, 'reopened\\?"'].map(visit).join('\n'),
      );
      await arrived();

      let late = 9;
      await eventually(async () => {
        // As above: each look has an event of its own that holds the session open.
        await around.publish('cli-names', event('reopened\\?"', 'pageview', (late += 1)));
        const words = ['session', 'list', '--project', 'cli-names', '--state', 'closed'];
        const rows = await json<SessionRow[]>(words);
        expect(rows.map(({ id }) => id)).to.have.members(names);
        expect(rows.map(({ started }) => started)).to.include(at(0));
      }, SOON);
      const dash = await json<SessionView>(['session', 'show', '-dash', '--project', 'cli-names']);
      expect(dash).to.include({ status: 'ended', events: 3 });
    });

    for (const command of ['show', 'end']) {
      it(`say so where there is none to ${command}`, async () => {
        const { code, stdout, stderr } = await run(['session', command, 'nobody', ...project]);

        expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
        expect(stderr).to.match(/^error: there is no session nobody in project cli-sessions.*\n$/);
      });
    }
  });

  describe('of dead letters', () => {
    type Listed = Omit<DeadLetterEntry, 'data'> & { bytes: number; payload?: string };

    const list = (project: string) => json<Listed[]>(['deadletters', 'list', '--project', project]);

    /** Publishes bad messages as a producer does, and waits for their letters. */
    async function bad(project: string, letters: number, ...messages: [unknown, string?][]) {
      for (const [payload, id] of messages) {
        await around.publish(project, payload, id === undefined ? {} : { 'Nats-Msg-Id': id });
      }
      return eventually(async () => {
        const found = await list(project);
        expect(found).to.have.length(letters);
        return found;
      }, SOON);
    }

    it('list them with reason, origin and bytes', async () => {
      const array = [JSON.parse(event('a', 'pageview')) as unknown, { sessionId: 'a' }];
      const letters = await bad('cli-bad', 3, ['{"no', 'id-1'], [array, 'id-2'], ['[]']);

      const [broken, element, empty] = letters;
      expect(broken).to.include({
        project: 'cli-bad',
        reason: 'message must be JSON',
        subject: 'events.cli-bad.test',
        eventId: 'id-1',
        bytes: 4,
        payload: '{"no',
      });
      expect(element).to.include({ eventId: 'id-2#1', payload: '{"sessionId":"a"}' });
      expect(empty?.eventId).to.match(new RegExp(`^[0-9a-z]+-${empty?.originalSequence}$`));
      const table = await run(['deadletters', 'list', '--project', 'cli-bad', '--limit', '1']);
      // Into a pipe it is JSON, also without --json.
      expect(JSON.parse(table.stdout)).to.have.length(1);
      expect(table.stdout).to.match(/array must hold at least 1 event/);
    });

    it('show bytes that are no text as they are', async () => {
      const [letter] = await bad('cli-bytes', 1, [Uint8Array.of(0xff, 0x00)]);

      expect(letter).to.include({ payloadBase64: '/wA=', bytes: 2 });
      expect(letter).to.not.have.property('payload');
    });

    it('replay one with a fix: its event keeps the id it would have had', async () => {
      const [letter] = await bad('cli-fix', 1, ['{"oops', 'id-fix']);
      const fixed = file('fixed.json', event('fixed', 'pageview'));
      const words = ['deadletters', 'replay', '--seq', String(letter?.seq), '--file', fixed];

      const first = await json<ReplayFigures>(words);
      const second = await run(words);
      // Were it another event, it would count.
      await around.publish('cli-fix', event('fixed', 'pageview'), { 'Sojourn-Event-Id': 'id-fix' });
      await arrived();

      expect(first).to.deep.equal({ replayed: 1, failed: 0, missing: 0 });
      expect(second.code).to.equal(1);
      expect(second.stdout).to.match(/0 replayed, 0 failed, 1 not found/);
      expect(await list('cli-fix')).to.deep.equal([]);
      const view = await json<SessionView>(['session', 'show', 'fixed', '--project', 'cli-fix']);
      expect(view).to.include({ events: 1 });
    });

    it('delete those that are chosen, and no other', async () => {
      await bad('cli-delete', 4, ...['a', 'b', 'c'].map((id): [unknown, string] => ['nope', id]), [
        { sessionId: 'd' },
        'd',
      ]);
      const letters = await bad('cli-delete', 5, [{ sessionId: 'e' }, 'e']);
      await bad('cli-delete-not', 1, ['nope', 'f']);
      const left = async () => (await list('cli-delete')).map(({ eventId }) => eventId).join('');
      const drop = (...words: string[]) =>
        json<DeleteFigures>(['deadletters', 'delete', '--project', 'cli-delete', ...words]);
      const [first, second, , fourth] = letters.map(({ seq }) => String(seq));

      const tried = await drop('--reason', 'must be JSON', '--dry-run');
      expect(tried).to.deep.equal({ deleted: 3, missing: 0, dryRun: true });
      expect(await drop('--dry-run')).to.include({ deleted: 5 });
      expect(await left()).to.equal('abcde');

      expect(await drop('--seq', first ?? '')).to.include({ deleted: 1, missing: 0 });
      expect(await left()).to.equal('bcde');
      const again = await run(['deadletters', 'delete', '--seq', first ?? '', second ?? '']);
      expect(again).to.include({ code: 1, stdout: '1 deleted, 1 not found\n' });
      const other = ['--seq', fourth ?? '', '--reason', 'must be JSON'];
      expect((await run(['deadletters', 'delete', ...other])).code).to.equal(1);
      expect(await left()).to.equal('cde');

      expect(await drop('--reason', 'must be JSON')).to.include({ deleted: 1 });
      expect(await left()).to.equal('de');
      const listed = ['deadletters', 'list', '--project', 'cli-delete', '--reason', 'no such'];
      expect(await json(listed)).to.deep.equal([]);

      for (const early of ['2026-11-01', '0001-01-01']) {
        expect(await drop('--before', early)).to.include({ deleted: 0 });
      }
      const [, newest] = await list('cli-delete');
      expect(await drop('--before', newest?.time ?? '')).to.include({ deleted: 1 });
      expect(await left()).to.equal('e');
      expect(await drop('--before', '2999-01-01')).to.include({ deleted: 1 });
      expect(await left()).to.equal('');
      expect(await list('cli-delete-not')).to.have.length(1);
    });

    it('replay all of a project; what is still bad comes back with its id', async () => {
      await bad('cli-again', 2, ['nope', 'id-a'], ['nope', 'id-b']);
      const before = (await list('cli-again')).map(({ seq }) => seq);

      const figures = await json<ReplayFigures>([
        'deadletters',
        'replay',
        '--project',
        'cli-again',
      ]);

      expect(figures).to.deep.equal({ replayed: 2, failed: 0, missing: 0 });
      await eventually(async () => {
        const letters = await list('cli-again');
        expect(letters.map(({ eventId }) => eventId)).to.have.members(['id-a', 'id-b']);
        for (const { seq } of letters) expect(before).to.not.include(seq);
      }, SOON);
    });
  });
});
