/** Operators find sessions and end many of them, on real servers. */
import { expect } from 'chai';
import { createProbe } from '../../operations/loading-probe.ts';
import { createObserver } from '../../operations/observe.ts';
import type { SessionRow } from '../../operations/temporal-sessions.ts';
import { loadConfig } from '../../platform/config.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import type { SessionView } from '../../shared/session-view.ts';
import { eventually } from '../support/eventually.ts';
import {
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'session-list';
const OF_PROJECT = ['--project', PROJECT] as const;
const NEW_YEAR = Date.UTC(2026, 0, 1);

describe('the list of sessions', function () {
  this.timeout(300_000);
  const servers = useServers();
  const started = Date.now();
  let pipeline: PipelineProcess;

  const run = (...words: readonly string[]) => sojourn(words, environmentOf(servers()));

  async function json<T>(...words: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await run(...words);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as T;
  }
  const list = (...words: readonly string[]) =>
    json<SessionRow[]>('session', 'list', ...OF_PROJECT, ...words);
  const listed = async (...words: readonly string[]) =>
    (await list(...words)).map(({ id }) => id).sort();

  const event = (sessionId: string, seconds: number, more: object = {}, base = NEW_YEAR) => ({
    ...{ eventType: 'pageview', sessionId, timestamp: new Date(base + seconds * 1_000) },
    properties: { path: '/' },
    ...more,
  });
  const from = (country: string, deviceType: string) => ({
    properties: { path: '/', country, deviceType },
  });

  before(async () => {
    // Nothing ends by itself while a test looks at it.
    const settings = { SESSION_IDLE_TIMEOUT: '10m', SESSION_CHECKPOINT: '1s' };
    pipeline = await startPipelineProcess(servers(), settings);
    const end = { eventType: 'session_end' };
    const events = [
      event('open-1', 0, from('DE', 'mobile')),
      event('open-2', 0, from('DE', 'desktop')),
      event('open-2', 5),
      event('open-3', 0, { ...from('AT', 'mobile'), userId: "o'hara" }),
      event('open-now', 0, from('AT', 'mobile'), started),
      ...[event('closed-1', 0, from('DE', 'mobile')), event('closed-1', 90, end)],
      ...[event('-closed', 0, { userId: 'ann' }), event('-closed', 2, end)],
    ];
    const lines = events.map((one) => JSON.stringify(one)).join('\n');
    await sojourn(['publish', '-', ...OF_PROJECT], environmentOf(servers()), lines);
    await untilLoaded(environmentOf(servers()));
    // Temporal's list follows its workflows.
    await eventually(async () => expect(await list()).to.have.length(6), { withinMs: 60_000 });
  });

  after(() => pipeline.stop());

  it('shows when visitors came and what they did', async () => {
    const rows = new Map((await list()).map((row) => [row.id, row]));

    expect(rows.get('closed-1')).to.deep.include({
      ...{
        state: 'closed',
        country: 'DE',
        device: 'mobile',
        engaged: true,
        pageViews: 1,
        events: 2,
      },
      started: new Date(NEW_YEAR).toISOString(),
      lastEvent: new Date(NEW_YEAR + 90_000).toISOString(),
    });
    expect(rows.get('open-2')).to.include({ state: 'open', closed: null, engaged: true });
    expect(rows.get('open-2')?.lastEvent).to.equal(new Date(NEW_YEAR + 5_000).toISOString());
    expect(rows.get('open-now')?.started).to.equal(new Date(started).toISOString());
  });

  it('holds what filters choose', async () => {
    const today = new Date(started - 1_000).toISOString();
    const answers = await Promise.all([
      listed('--country', 'DE', '--state', 'open'),
      listed('--user', "o'hara"),
      listed('--engaged'),
      listed('--no-engaged', '--device', 'mobile'),
      listed('--since', today),
      listed('--query', "SojournCountry IN ('AT', 'CH')"),
    ]);

    expect(answers).to.deep.equal([
      ['open-1', 'open-2'],
      ['open-3'],
      ['closed-1', 'open-2'],
      ['open-1', 'open-3', 'open-now'],
      ['open-now'],
      ['open-3', 'open-now'],
    ]);
  });

  it('carries its checkpoint, which `status --wait` asks it for', async () => {
    const observer = createObserver(loadConfig(environmentOf(servers())));
    try {
      const ids = ['open-1', 'gone'].map((id) => sessionWorkflowId(PROJECT, id));

      expect(await createProbe(observer, null).checkpointMs(ids)).to.equal(1_000);
      expect(await createProbe(observer, 5_000).checkpointMs(ids)).to.equal(5_000);
    } finally {
      await observer.close();
    }
  });

  it('comes in pages, the open ones first', async () => {
    const pages: SessionRow[][] = [];
    for (let after: string[] = []; ;) {
      const page = await list('--limit', '4', ...after);
      pages.push(page);
      const last = page.at(-1);
      if (page.length < 4 || last === undefined) break;
      after = ['--after', last.cursor];
    }

    expect(pages.map((page) => page.length)).to.deep.equal([4, 2]);
    const states = pages.flat().map(({ state }) => state);
    expect(states).to.deep.equal(['open', 'open', 'open', 'open', 'closed', 'closed']);
    expect(new Set(pages.flat().map(({ id }) => id)).size).to.equal(6);
  });

  it('leads to sessions whose ids begin with a dash', async () => {
    const views = await Promise.all([
      json<SessionView>('session', 'show', '--id', '-closed', ...OF_PROJECT),
      json<SessionView>('session', 'show', ...OF_PROJECT, '-closed'),
    ]);

    for (const { sessionId, events } of views) {
      expect({ sessionId, events }).to.deep.equal({ sessionId: '-closed', events: 2 });
    }
  });

  it('says what is wrong with a query', async () => {
    const { code, stderr } = await run('session', 'list', '--query', 'SojournMood = 1');

    expect(code).to.equal(2);
    expect(stderr).to.match(/^error: Temporal does not take the query: .*SojournMood/);
  });

  it('has sessions ended together, once somebody has seen which', async () => {
    const end = ['session', 'end', ...OF_PROJECT];
    const dry = await json<{ sessions: { id: string }[] }>(...end, '--country', 'DE', '--dry-run');
    expect(dry).to.include({ dryRun: true, matched: 2 });
    expect(dry.sessions.map(({ id }) => id).sort()).to.deep.equal(['open-1', 'open-2']);
    expect(await listed('--state', 'open')).to.have.length(4);

    expect(await json<object>(...end, '--query', "SojournCountry = 'DE'")).to.deep.equal({
      ...{ matched: 2, ended: 2, alreadyEnded: 0, failed: [], left: 0 },
    });
    await eventually(
      async () => expect(await listed('--state', 'open')).to.deep.equal(['open-3', 'open-now']),
      { withinMs: 60_000 },
    );
    // What is left is nobody else's to find.
    await json<object>(...end, '--since', '3650d');
  });
});
