/** History from files against the live way: the same events, equal rows, whatever is repeated, shuffled, killed or taken back. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { expect } from 'chai';
import { importWorkflowId } from '../../shared/ids.ts';
import {
  importStateQuery,
  pauseUpdate,
  resumeUpdate,
  undoSignal,
} from '../../workflows/messages.ts';
import {
  ACCESS_LOG,
  accessLogRows,
  expectedAccessLogRows,
  expectSame,
} from '../support/access-log.ts';
import { type ClickHouseDoor, openClickHouseDoor } from '../support/clickhouse-door.ts';
import { eventually } from '../support/eventually.ts';
import {
  endOf,
  type Fields,
  NO_ROWS,
  type Outcome,
  type ProjectRows,
  useImports,
  visit,
} from '../support/import-world.ts';
import { sojourn } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';

const SETTLED = { withinMs: 60_000 };

describe('an import', function () {
  this.timeout(600_000);
  const world = useImports();
  const { folder, dataDir, environment, run, imported, undone, fileOf, rowsOf } = world;
  const { around, expectClean, loaded } = world;

  /** By a process of its own. */
  async function importedBy(...words: readonly string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await run('import', ...words);
    expect(code, stdout + stderr).to.equal(0);
    return JSON.parse(stdout) as Outcome;
  }

  /** Chunks of a project's import that are loaded. */
  async function chunksOf(project: string): Promise<{ id: string; chunks: number }> {
    const [row] = await around().select<{ id: string; chunks: string }>(
      `SELECT i.import AS id, toString((SELECT max(range_to) FROM sojourn.loaded_ranges
         WHERE log = concat('bulk/import/', id, '/1'))) AS chunks
       FROM sojourn.imports AS i WHERE i.project = '${project}' LIMIT 1`,
    );
    return { id: row?.id ?? '', chunks: Number(row?.chunks ?? 0) };
  }

  const doors: ClickHouseDoor[] = [];

  after(async () => {
    for (const door of doors) await door.close();
  });

  /** With chunks so small that a short import has many of them. */
  function startWith(
    file: string,
    project: string,
    chunkSessions: number,
    more: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const words = ['import', file, '--project', project];
    return world.start(words, { IMPORT_CHUNK_SESSIONS: String(chunkSessions), ...more });
  }

  /**
   * Killed in the middle, however fast it is: with the place of a chunk on its way, whose rows are in.
   * @param load the end of its name
   */
  async function killedAt(
    chunk: number,
    load: string,
    begin: (more: Readonly<Record<string, string>>) => ChildProcess,
  ): Promise<void> {
    const place = new RegExp(`query_id=loaded_ranges-\\S*${load}-${chunk}-${chunk}(&|$| )`);
    const door = await openClickHouseDoor(environment()['CLICKHOUSE_URL'] ?? '', (query) =>
      place.test(query),
    );
    doors.push(door);
    const child = begin({ CLICKHOUSE_URL: door.url });
    await Promise.race([
      door.held,
      endOf(child).then(({ stderr }) => {
        throw new Error(`it ended: ${stderr}`);
      }),
    ]);
    await killed(child, 'SIGKILL');
    // What was on its way arrives all the same.
    await door.close();
  }

  async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    // One that is over says so no more.
    if (child.exitCode === null && child.signalCode === null) {
      const over = once(child, 'exit');
      child.kill(signal);
      await over;
    }
    // As if it had been a while: what nobody touches for ten minutes is left over.
    const before = new Date(Date.now() - 11 * 60_000);
    const imports = join(dataDir, 'imports');
    const own = readdirSync(imports).filter((name) => name.startsWith(`import-${child.pid ?? 0}-`));
    for (const name of own) utimesSync(join(imports, name), before, before);
  }

  describe('of a real access log', function () {
    let outcome: Outcome;
    let rows: ProjectRows;

    before(async function () {
      if (ACCESS_LOG === undefined) this.skip();
      outcome = await importedBy(ACCESS_LOG, '--project', 'log-imported');
      rows = await rowsOf('log-imported');
    });

    it('gives the expected rows, and those of the same events published', async () => {
      expect(outcome).to.include({ state: 'done', records: 2_746, events: 2_746, badRecords: 0 });
      expect(outcome).to.include({ sessions: 546, loaded: 546, left: 0, live: 0 });
      expectSame(await accessLogRows(around(), 'log-imported'), expectedAccessLogRows());
      await expectClean('log-imported');

      for (const wave of wavesOf(linesOf(ACCESS_LOG ?? ''))) {
        const file = join(folder, 'wave.ndjson');
        writeFileSync(file, wave.join('\n'));
        const published = await sojourn(['publish', file, '--project', 'log-live'], environment());
        expect(published.code, published.stderr).to.equal(0);
        await loaded();
      }
      await eventually(async () => {
        const { sessions } = await rowsOf('log-live');
        expect(sessions).to.have.length(546);
        for (const session of sessions) expect(session).to.include({ state: 'ended' });
      }, SETTLED);
      const live = await rowsOf('log-live');
      expect(rows.sessions).to.deep.equal(live.sessions);
      expect(rows.metrics).to.deep.equal(live.metrics);
    });

    it('changes nothing with the same records, whatever their order, files and packing', async () => {
      const lines = shuffled(linesOf(ACCESS_LOG ?? ''));
      const parts = [join(folder, 'one.ndjson'), join(folder, 'other.ndjson.gz')];
      writeFileSync(parts[0] ?? '', lines.slice(0, 1_000).join('\r\n'));
      writeFileSync(parts[1] ?? '', gzipSync(lines.slice(1_000).join('\n')));

      const again = await imported(parts, 'log-imported');
      const shuffledOne = await imported(parts, 'log-shuffled');

      expect(again.state).to.equal('already imported');
      expect(await rowsOf('log-imported')).to.deep.equal(rows);
      expect(shuffledOne.state).to.equal('done');
      expect(await rowsOf('log-shuffled')).to.deep.equal(rows);
    });

    it('is the same where it is killed three times in the middle', async () => {
      const file = ACCESS_LOG ?? '';
      for (const chunk of [0, 3, 7]) {
        await killedAt(chunk, '/1', (more) => startWith(file, 'log-killed', 50, more));
      }

      expect(await imported(file, 'log-killed')).to.include({ state: 'done', loaded: 546 });

      expect(await rowsOf('log-killed')).to.deep.equal(rows);
    });

    it('is taken back without a trace, and can be done again', async () => {
      const { id } = await imported(ACCESS_LOG ?? '', 'log-undone');
      expect(await rowsOf('log-undone')).to.deep.equal(rows);

      await undone(id);

      expect(await rowsOf('log-undone')).to.deep.equal(NO_ROWS);
      const { code, stdout, stderr } = await run('import', 'undo', id);
      expect(code, stdout + stderr).to.equal(0);
      const again = await imported(ACCESS_LOG ?? '', 'log-undone');
      expect(again).to.include({ id, state: 'done', loaded: 546 });
      expect(await rowsOf('log-undone')).to.deep.equal(rows);
      await undone(id);
      expect(await rowsOf('log-undone')).to.deep.equal(NO_ROWS);
    });
  });

  describe('of many sessions', () => {
    const SESSIONS = 6_000;
    let file = '';
    let expected: ProjectRows;

    before(async () => {
      // Large enough for threads to share the work.
      file = fileOf('many.ndjson', shuffled(manyEvents(SESSIONS)));
      const outcome = await imported(file, 'many');
      expect(outcome).to.include({ state: 'done', sessions: SESSIONS, loaded: SESSIONS });
      expected = await rowsOf('many');
      await expectClean('many');
    });

    const start = (project: string, more: Readonly<Record<string, string>> = {}) =>
      startWith(file, project, 150, more);

    it('is the same where it is killed in the middle, again and again, paused and interrupted', async () => {
      const project = 'many-killed';
      for (const chunks of [0, 5, 15]) {
        await killedAt(chunks, '/1', (more) => start(project, more));
        const now = await chunksOf(project);
        expect(now.id).to.not.equal('');
        expect(now.chunks).to.be.within(Math.max(0, chunks - 1), chunks);
      }
      const { id } = await chunksOf(project);
      const handle = world.temporal().workflow.getHandle(importWorkflowId(project, id));
      await handle.executeUpdate(pauseUpdate);
      // Meant for another life of it.
      await handle.signal(undoSignal, 2);
      const paused = start(project);
      const interrupted = once(paused, 'exit');
      await eventually(() => {
        const folders = readdirSync(join(dataDir, 'imports'));
        expect(folders.some((name) => name.startsWith(`import-${paused.pid ?? 0}-`))).to.equal(
          true,
        );
      }, SETTLED);
      expect(await handle.query(importStateQuery)).to.include({ isPaused: true });
      paused.kill('SIGINT');
      expect((await interrupted)[0]).to.equal(1);
      await handle.executeUpdate(resumeUpdate);

      // Chunks are those that it was begun with, whatever is set now.
      const outcome = await imported(file, project);

      expect(outcome).to.include({
        id,
        state: 'done',
        sessions: SESSIONS,
        loaded: SESSIONS,
        left: 0,
      });
      expect(await rowsOf(project)).to.deep.equal(expected);
      await expectClean(project);
      const leftOver = readdirSync(join(dataDir, 'imports')).filter((name) =>
        name.startsWith('import-'),
      );
      expect(leftOver).to.deep.equal([]);
    });

    it('leaves nothing where it is killed and taken back, and that is killed too', async () => {
      const project = 'many-undone';
      await killedAt(11, '/1', (more) => start(project, more));
      const { id, chunks } = await chunksOf(project);
      expect(chunks).to.be.at.least(10);
      await killedAt(2, '/1/back', (more) => world.start(['import', 'undo', id], more));
      const [row] = await around().select<{ chunks: number }>(
        `SELECT count() AS chunks FROM sojourn.loaded_ranges WHERE log = 'bulk/import/${id}/1/back' AND range_to > 0`,
      );
      expect(Number(row?.chunks)).to.be.above(0);

      await undone(id);

      expect(await rowsOf(project)).to.deep.equal(NO_ROWS);
      expect(await imported(file, project)).to.include({ state: 'done', loaded: SESSIONS });
      expect(await rowsOf(project)).to.deep.equal(expected);
    });
  });

  it('leaves sessions that are there, and with --replace puts its own in the place of imported ones', async () => {
    const live = [visit('live', 1), visit('live', 2), end('live', 3)];
    for (const event of live) await around().publish('replaced', event);
    await loaded();
    const [s1, s2, s2More, s3] = [
      [visit('s1', 1), visit('s1', 2)],
      [visit('s2', 1, { userId: 'ann' }), visit('s2', 2)],
      [
        visit('s2', 1, { userId: 'ann' }),
        visit('s2', 3),
        visit('s2', 4, { eventType: 'purchase' }),
      ],
      [visit('s3', 5, { userId: 'ann' })],
    ];
    const first = await imported(fileOf('first.ndjson', [...s1, ...s2]), 'replaced');
    expect(first).to.include({ loaded: 2, left: 0 });
    const onlyFirst = await rowsOf('replaced');
    const liveMore = [visit('live', 1), visit('live', 9)];
    const second = fileOf('second.ndjson', [...s2More, ...s3, ...liveMore]);

    expect(await imported(second, 'replaced')).to.include({ loaded: 1, left: 2, replaced: 0 });
    const [secondRow] = await around().select<{ id: string }>(
      `SELECT import AS id FROM sojourn.imports WHERE project = 'replaced' AND import != '${first.id}'`,
    );
    await undone(secondRow?.id ?? '');
    expect(await rowsOf('replaced')).to.deep.equal(onlyFirst);
    const replacing = await imported(second, 'replaced', { replace: true });

    expect(replacing).to.include({ loaded: 2, replaced: 1, left: 1 });
    await imported(fileOf('whole.ndjson', [...s1, ...s2More, ...s3]), 'replaced-expected');
    for (const event of live) await around().publish('replaced-expected', event);
    await loaded();
    await eventually(async () => {
      expect(await rowsOf('replaced')).to.deep.equal(await rowsOf('replaced-expected'));
    }, SETTLED);
    await expectClean('replaced');

    const refused = await run('import', 'undo', first.id);
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.contain(replacing.id);
    await undone(replacing.id);
    expect(await rowsOf('replaced')).to.deep.equal(onlyFirst);
    await expectClean('replaced');
    await undone(first.id);
    const { sessions } = await rowsOf('replaced');
    expect(sessions.map((session) => session['session_id'])).to.deep.equal(['live']);
    await expectClean('replaced');
  });

  it('gives replaced sessions back where its own ones equal them, and so add nothing', async () => {
    const events = [visit('same', 1, { userId: 'ann' }), visit('same', 2), visit('other', 3)];
    await imported(fileOf('as-they-are.ndjson', events), 'equal');
    const before = await rowsOf('equal');
    const spaced = join(folder, 'spaced.ndjson');
    writeFileSync(spaced, events.map((event) => `${JSON.stringify(event)} `).join('\n'));
    const replacing = await imported(spaced, 'equal', { replace: true });
    expect(replacing).to.include({ state: 'done', loaded: 2, replaced: 2 });
    expect(await rowsOf('equal')).to.deep.equal(before);

    await undone(replacing.id);

    expect(await rowsOf('equal')).to.deep.equal(before);
    await expectClean('equal');
  });

  it('goes on with its latest life, whatever the clock said when the one before began', async () => {
    const file = fileOf('clock.ndjson', [visit('clock', 1), visit('clock', 2)]);
    const { id } = await imported(file, 'clock');
    await undone(id);
    // As if the clock had been ahead by a day.
    await world.admin().command({
      query: `INSERT INTO sojourn.imports SELECT * REPLACE (began_at + INTERVAL 1 DAY AS began_at, version + 10 AS version)
        FROM sojourn.imports FINAL WHERE project = 'clock'`,
    });

    const again = await imported(file, 'clock');

    expect(again).to.include({ id, state: 'done', loaded: 1 });
    expect((await imported(file, 'clock')).state).to.equal('already imported');
    expect((await rowsOf('clock')).sessions).to.have.length(1);
    await undone(id);
    expect(await rowsOf('clock')).to.deep.equal(NO_ROWS);
  });

  it('publishes sessions that may still get events, once however often it is done', async () => {
    const now = Date.now();
    const recent = (id: string, ms: number, fields: object = {}) => ({
      ...visit(id, 0),
      timestamp: now - ms,
      ...fields,
    });
    const events = [
      recent('now', 60_000, { eventId: undefined }),
      recent('now', 60_000, { eventId: undefined }),
      recent('now', 30_000, { eventId: 'given', properties: { path: '/x', campaign: 'spring' } }),
      recent('old', 10 * 86_400_000, { eventId: 'e' }),
    ];
    const file = fileOf('recent.ndjson', events);

    const outcome = await imported(file, 'recent');

    expect(outcome).to.include({ loaded: 1, live: 1, left: 0 });
    await loaded();
    const expectBoth = async () => {
      const { sessions } = await rowsOf('recent');
      expect(
        sessions.map(({ session_id, page_views, campaign }) => [session_id, page_views, campaign]),
      ).to.deep.equal([
        ['now', 3, 'spring'],
        ['old', 1, ''],
      ]);
    };
    await eventually(expectBoth, SETTLED);
    expect((await imported(file, 'recent')).state).to.equal('already imported');
    await loaded();
    await expectBoth();
    // Whoever tries its chunk again finds that it is published.
    const places = await around().select<{ to: number }>(
      `SELECT toUInt32(max(range_to)) AS to FROM sojourn.loaded_ranges WHERE log = 'bulk/import/${outcome.id}/1/live'`,
    );
    expect(places).to.deep.equal([{ to: 1 }]);
  });

  it('is not touched by a late event, which begins a session of its own', async () => {
    const project = 'late-for-import';
    await imported(fileOf('past.ndjson', [visit('s', 1), visit('s', 2)]), project);
    const { sessions: before, metrics } = await rowsOf(project);

    await around().publish(project, visit('s', 3));
    await loaded();

    const { sessions } = await rowsOf(project);
    expect(sessions).to.have.length(2);
    expect(sessions).to.deep.include(before[0]);
    const begun = (rows: readonly object[]) =>
      (rows as readonly Fields[])
        .filter((row) => row['metric_type'] === 'sessions' && row['dimension'] === '')
        .reduce((sum, { counted }) => sum + Number(counted), 0);
    expect(begun(metrics)).to.equal(1);
    expect(begun((await rowsOf(project)).metrics)).to.equal(2);
    await expectClean(project);
  });

  it('tells what broke a rule, with its line, and keeps it where that is wanted', async () => {
    const path = join(folder, 'bad.ndjson');
    const good = JSON.stringify(visit('good', 1));
    const array = JSON.stringify([
      visit('good', 2),
      { ...visit('good', 3), timestamp: 'yesterday' },
    ]);
    writeFileSync(path, [good, '{"eventType":', '', array, '[]'].join('\n'));

    const outcome = await imported(path, 'bad', { keepBad: true });

    expect(outcome).to.include({ records: 4, events: 2, badRecords: 3, loaded: 1 });
    const report = readFileSync(outcome.badReport ?? '', 'utf8')
      .trim()
      .split('\n');
    expect(report.map((line) => (JSON.parse(line) as Fields)['line'])).to.deep.equal([2, 4, 5]);
    expect(report[0]).to.contain('message must be JSON');
    expect(report[1]).to.contain('timestamp');
    const listed = await sojourn(
      ['deadletters', 'list', '--project', 'bad', '--json'],
      environment(),
    );
    expect((JSON.parse(listed.stdout) as unknown[]).length).to.equal(3);
    expect(existsSync(outcome.badReport ?? '')).to.equal(true);
  });

  it('makes visits of the lines of an access log', async () => {
    const line = (time: string, path: string) =>
      `203.0.113.7 - - [10/Jan/2024:${time} +0000] "GET ${path} HTTP/1.1" 200 10 "https://www.google.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"`;
    const lines = [line('09:00:00', '/a'), line('08:00:00', '/a'), line('08:10:00', '/b')];
    const path = join(folder, 'access.log');
    writeFileSync(path, lines.join('\n'));
    const options = { format: 'combined', host: 'shop.example' };

    const outcome = await imported(path, 'combined', options);

    expect(outcome).to.include({ records: 3, events: 3, badRecords: 0, sessions: 2, loaded: 2 });
    const sessions = await around().select<Fields>(
      `SELECT toString(started_at) AS at, toUInt32(page_views) AS pages, browser FROM sojourn.sessions_current
       WHERE project = 'combined' ORDER BY started_at`,
    );
    expect(sessions.map(({ at, pages }) => [at, pages])).to.deep.equal([
      ['2024-01-10 08:00:00.000', 2],
      ['2024-01-10 09:00:00.000', 1],
    ]);
    writeFileSync(path, lines.reverse().join('\n'));
    expect((await imported(path, 'combined', options)).state).to.equal('already imported');
  });

  it('goes on by the idle timeout, the host and the salt that it was begun with', async () => {
    const line = (time: string) =>
      `203.0.113.7 - - [10/Jan/2024:${time} +0000] "GET /a HTTP/1.1" 200 10 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"`;
    const path = join(folder, 'begun.log');
    writeFileSync(path, [line('08:00:00'), line('08:10:00'), line('09:00:00')].join('\n'));
    const words = ['import', path, '--project', 'begun', '--format', 'combined', '--json'];
    const begun = (host: string, dir: string, more: Record<string, string> = {}) =>
      sojourn([...words, '--host', host, '--data-dir', dir], { ...environment(), ...more });
    const first = { format: 'combined', host: 'shop.example' };
    const { id } = await imported(path, 'begun', first);
    const before = await rowsOf('begun');
    await undone(id);
    // As if it had been killed when its plan was noted.
    await world.admin().command({
      query: `INSERT INTO sojourn.imports SELECT * REPLACE (2 AS life, 'loading' AS state, 1 AS version,
          replaceOne(plan, '"life":1', '"life":2') AS plan)
        FROM sojourn.imports FINAL WHERE project = 'begun'`,
    });

    const [otherHost, otherSalt] = await Promise.all([
      begun('other.example', dataDir),
      begun('shop.example', join(folder, 'other-data')),
    ]);
    const { code, stderr } = await begun('shop.example', dataDir, { SESSION_IDLE_TIMEOUT: '5m' });

    expect([otherHost.code, otherSalt.code]).to.deep.equal([2, 2]);
    expect(otherHost.stderr).to.contain('--host').and.contain(`undo ${id}`);
    expect(otherSalt.stderr).to.contain('data directory').and.contain(`undo ${id}`);
    expect(code, stderr).to.equal(0);
    expect(await rowsOf('begun')).to.deep.equal(before);
  });

  it('waits for another one of its project, and an undo that is unfinished, to be over', async () => {
    const { id } = await imported(fileOf('one.ndjson', [visit('one', 1)]), 'in-turn');
    const other = fileOf('another.ndjson', [visit('one', 1), visit('two', 2)]);
    /** As if somebody else had begun it, or begun to take it back. */
    const note = (name: string, state: string, version: number) =>
      world.admin().command({
        query: `INSERT INTO sojourn.imports SELECT * REPLACE ('${name}' AS import, '${state}' AS state, ${version} AS version)
          FROM (SELECT * FROM sojourn.imports FINAL WHERE project = 'in-turn' AND import = '${id}')`,
      });
    await note('somebody', 'loading', 1);

    const [refused, kept] = await Promise.all([
      run('import', other, '--project', 'in-turn'),
      run('import', 'undo', id),
    ]);
    await note('somebody', 'taken_back', 4);
    await note(id, 'taking_back', 3);
    const refusedToo = await run('import', other, '--project', 'in-turn');

    expect([refused.code, kept.code, refusedToo.code]).to.deep.equal([2, 2, 2]);
    expect(refused.stderr).to.contain('import somebody of project in-turn is not finished');
    expect(kept.stderr).to.contain('undo somebody');
    expect(refusedToo.stderr).to.contain(`import ${id} of project in-turn is being taken back`);
    await undone(id);
    expect(await imported(other, 'in-turn')).to.include({ loaded: 2, left: 0 });
  });

  it('is on the list, and in Temporal', async () => {
    const file = fileOf('listed.ndjson', [visit('a', 1), visit('b', 2)]);
    const { id } = await importedBy(file, '--project', 'listed');

    const { stdout } = await run('import', 'list', '--project', 'listed');

    const [row] = JSON.parse(stdout) as Fields[];
    expect(row).to.include({ id, state: 'done', events: 2, sessions: 2, loaded: 2, left: 0 });
    const handle = world.temporal().workflow.getHandle(importWorkflowId('listed', id));
    expect(await handle.query(importStateQuery)).to.include({ phase: 'done', events: 2 });
    const { typedSearchAttributes } = await handle.describe();
    const key = defineSearchAttributeKey('SojournProject', SearchAttributeType.KEYWORD);
    expect(typedSearchAttributes.get(key)).to.equal('listed');
  });

  it('says what is wrong with how it is called', async () => {
    const [missing, format, nobody] = await Promise.all([
      run('import', join(folder, 'nowhere.ndjson'), '--project', 'p'),
      run('import', fileOf('f.ndjson', []), '--project', 'p', '--format', 'x'),
      run('import', 'undo', 'nobody'),
    ]);

    expect([missing.code, format.code, nobody.code]).to.deep.equal([1, 2, 1]);
    expect(missing.stderr).to.contain('there is no file');
    expect(format.stderr).to.contain('there is no format x');
    expect(nobody.stderr).to.contain('there is no import nobody');
  });
});

function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(file)).toString().trim().split('\n');
}

function shuffled<T>(values: readonly T[]): T[] {
  const random = randomOf(20_261_129);
  const order = [...values];
  for (let n = order.length - 1; n > 0; n -= 1) {
    const other = Math.floor(random() * (n + 1));
    [order[n], order[other]] = [order[other] as T, order[n] as T];
  }
  return order;
}

/** The first session of each user, then the rest: live ones decide by their arrival whose user is new. */
function wavesOf(lines: readonly string[]): string[][] {
  interface Line {
    readonly sessionId: string;
    readonly userId?: string;
  }
  const userOf = new Map<string, string>();
  for (const line of lines) {
    const { sessionId, userId } = JSON.parse(line) as Line;
    if (userId !== undefined && !userOf.has(sessionId)) userOf.set(sessionId, userId);
  }
  const sessions = new Map<string, string>();
  for (const line of lines) {
    const { sessionId, timestamp } = JSON.parse(line) as Line & { readonly timestamp: string };
    const before = sessions.get(sessionId);
    if (before === undefined || timestamp < before) sessions.set(sessionId, timestamp);
  }
  const firstOf = new Map<string, string>();
  const byTime = [...sessions].sort(([a, at], [b, bt]) =>
    at === bt ? (a < b ? -1 : 1) : at < bt ? -1 : 1,
  );
  for (const [sessionId] of byTime) {
    const user = userOf.get(sessionId);
    if (user !== undefined && !firstOf.has(user)) firstOf.set(user, sessionId);
  }
  const isLater = (line: string) => {
    const { sessionId } = JSON.parse(line) as Line;
    const user = userOf.get(sessionId);
    return user !== undefined && firstOf.get(user) !== sessionId;
  };
  return [lines.filter((line) => !isLater(line)), lines.filter(isLater)];
}

const BEGAN = Date.UTC(2024, 0, 10, 8);

function end(sessionId: string, n: number): object {
  return visit(sessionId, n, { eventType: 'session_end' });
}

/** Two or three events a session, over ten days, of users who come again. */
function manyEvents(sessions: number): object[] {
  const random = randomOf(7);
  return Array.from({ length: sessions }, (_, n) => {
    const id = `many-${n}`;
    const startsAt = BEGAN + Math.floor(random() * 10 * 86_400_000);
    const userId = n % 3 === 0 ? `user-${Math.floor(random() * 5_000)}` : undefined;
    const at = (ms: number) => ({ timestamp: startsAt + ms, userId });
    return [
      visit(id, 1, at(0)),
      visit(id, 2, at(15_000)),
      ...(n % 4 === 0 ? [visit(id, 3, { ...at(40_000), eventType: 'purchase' })] : []),
    ];
  }).flat();
}
