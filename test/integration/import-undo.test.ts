/** Imports that are taken back while somebody is still at them: a process that stood still, a second undo, another import. */
import { expect } from 'chai';
import { sessionTableRow } from '../../activities/load-batch.ts';
import { importWorkflowId } from '../../shared/ids.ts';
import { importStateQuery } from '../../workflows/messages.ts';
import { aRollup } from '../support/builders.ts';
import { type ClickHouseDoor, openClickHouseDoor } from '../support/clickhouse-door.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, type Fields, NO_ROWS, useImports, visit } from '../support/import-world.ts';

const SOON = { withinMs: 90_000 };

describe('an import that is taken back', function () {
  this.timeout(300_000);
  const world = useImports();
  const doors: ClickHouseDoor[] = [];

  after(async () => {
    for (const door of doors) await door.close();
  });

  /** Starts a command, and stops its process with its request of this kind on its way. */
  async function stopped(words: readonly string[], isHeld: (query: string) => boolean) {
    const door = await openClickHouseDoor(world.environment()['CLICKHOUSE_URL'] ?? '', isHeld);
    doors.push(door);
    const child = world.start(words, { CLICKHOUSE_URL: door.url });
    const end = endOf(child);
    await Promise.race([
      door.held,
      end.then(({ stderr }) => {
        throw new Error(`it ended: ${stderr}`);
      }),
    ]);
    child.kill('SIGSTOP');
    return {
      /** It goes on, and what was on its way arrives. */
      goOn() {
        child.kill('SIGCONT');
        door.letGo();
        return end;
      },
    };
  }

  const isInsert = (table: string) => (query: string) =>
    new RegExp(`query_id=${table}(_inbox)?-`).test(query);

  async function idOf(project: string): Promise<string> {
    const rows = await world
      .around()
      .select<{ id: string }>(
        `SELECT import AS id FROM sojourn.imports WHERE project = '${project}' ORDER BY began_at DESC LIMIT 1`,
      );
    return rows[0]?.id ?? '';
  }

  const now = Date.now();
  const events = (name: string) => [
    visit(`${name}-1`, 1, { userId: 'ann' }),
    visit(`${name}-1`, 2),
    visit(`${name}-2`, 3, { eventType: 'purchase' }),
    // May still get events, so it goes the live way.
    { ...visit(`${name}-live`, 4), timestamp: now - 60_000 },
  ];

  /** It stands still before its insert into this table, while its import is taken back. */
  async function expectNothingOf(table: string): Promise<void> {
    const project = `stood-${table}`;
    const file = world.fileOf(`${project}.ndjson`, events(project));
    const isHeld = isInsert(table);
    const still = await stopped(['import', file, '--project', project, '--json'], (query) =>
      // The place of the first chunk; that of the load as a whole comes before it.
      table === 'loaded_ranges' ? isHeld(query) && /-1-1(&|$| )/.test(query) : isHeld(query),
    );
    const id = await idOf(project);
    await world.undone(id);
    // Published before the process stood still, and then noted so, or never.
    const isPublished = !table.startsWith('import_');
    const expectLive = async () => {
      const { sessions } = await world.rowsOf(project);
      expect(sessions.map((row) => row['session_id'])).to.deep.equal(
        isPublished ? [`${project}-live`] : [],
        project,
      );
    };
    await eventually(expectLive, SOON);
    const before = await world.rowsOf(project);

    const { code, stdout, stderr } = await still.goOn();

    expect(code, stderr).to.equal(1);
    expect(stderr).to.contain(id).and.contain('taken back');
    // As the list calls it.
    expect(JSON.parse(stdout)).to.include({ id, state: 'taken_back' });
    const { stdout: list } = await world.run('import', 'list', '--project', project, '--json');
    expect((JSON.parse(list) as Fields[])[0]).to.include({ id, state: 'taken_back' });
    await world.loaded();
    await eventually(expectLive, SOON);
    const after = await world.rowsOf(project);
    expect(after.metrics).to.deep.equal(before.metrics, project);
    if (isPublished) await world.expectClean(project);
    else expect(after).to.deep.equal(NO_ROWS, project);
    const [noted] = await world.around().select<Fields>(
      `SELECT (SELECT toUInt32(count()) FROM sojourn.import_sessions WHERE import = '${id}') AS sessions,
         (SELECT toUInt32(count()) FROM sojourn.import_rows WHERE import = '${id}') AS rows`,
    );
    if (table === 'import_sessions') expect(noted).to.deep.equal({ sessions: 0, rows: 0 });
    if (table === 'import_rows') expect(noted).to.include({ rows: 0 });
  }

  it('leaves nothing where its process stood still, and goes on', async () => {
    // Side by side: most of it is waiting for Temporal to give the process up.
    const tables = ['import_sessions', 'import_rows', 'sessions', 'loaded_ranges'];
    const outcomes = await Promise.allSettled(tables.map(expectNothingOf));
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failures.map(({ reason }) => String(reason))).to.deep.equal([]);
  });

  it('deletes no session any more that it was to replace', async () => {
    const project = 'stood-replacing';
    const earlier = [visit('r-1', 1, { userId: 'ann' }), visit('r-2', 2)];
    await world.imported(world.fileOf('replaced-first.ndjson', earlier), project);
    const expected = await world.rowsOf(project);
    const file = world.fileOf('replacing.ndjson', [visit('r-1', 1), visit('r-1', 5)]);
    const still = await stopped(['import', file, '--project', project, '--replace'], (query) =>
      query.includes('DELETE FROM sojourn.sessions'),
    );

    await world.undone(await idOf(project));
    expect(await world.rowsOf(project)).to.deep.equal(expected);
    const { code } = await still.goOn();

    expect(code).to.equal(1);
    expect(await world.rowsOf(project)).to.deep.equal(expected);
    await world.expectClean(project);
  });

  it('is taken back once where two take it back, one of which stood still', async () => {
    const project = 'two-undos';
    const first = await world.imported(
      world.fileOf('two-first.ndjson', [visit('t-1', 1)]),
      project,
    );
    const again = world.fileOf('two-again.ndjson', [visit('t-1', 1), visit('t-1', 2)]);
    const { id } = await world.imported(again, project, { replace: true });
    const still = await stopped(['import', 'undo', id], isInsert('sessions'));

    const [, other] = await Promise.all([world.undone(id), world.run('import', 'undo', id)]);
    expect(other.code, other.stderr).to.equal(0);
    await world.undone(first.id);
    expect(await world.rowsOf(project)).to.deep.equal(NO_ROWS);
    const life2 = await world.imported(again, project);
    const expected = await world.rowsOf(project);
    const { code, stderr } = await still.goOn();

    expect(code, stderr).to.equal(0);
    expect(life2).to.include({ id, loaded: 1 });
    expect(await world.rowsOf(project)).to.deep.equal(expected);
    await world.expectClean(project);
    await world.undone(id);
    expect(await world.rowsOf(project)).to.deep.equal(NO_ROWS);
  });

  it('is decided anew where another one came and went before it may begin', async () => {
    const project = 'come-and-gone';
    const file = world.fileOf('come-and-gone.ndjson', [visit('x-1', 1), visit('x-2', 1)]);
    let isNoted = false;
    let looks = 0;
    let decided = () => {};
    const isDecided = new Promise<void>((resolve) => (decided = resolve));
    // Once it is noted it reads its note, and then looks again what others have begun: there it is held.
    const door = await openClickHouseDoor(world.environment()['CLICKHOUSE_URL'] ?? '', (query) => {
      if (query.includes('groupUniqArray(first_run_id)')) decided();
      if (isNoted && query.includes('FROM sojourn.imports')) looks += 1;
      isNoted ||= /query_id=imports-/.test(query);
      return looks === 2;
    });
    doors.push(door);
    const late = world.start(['import', file, '--project', project], {
      CLICKHOUSE_URL: door.url,
    });
    const end = endOf(late);
    await Promise.race([
      Promise.all([door.held, isDecided]),
      end.then(({ stderr }) => {
        throw new Error(`it ended: ${stderr}`);
      }),
    ]);
    // Its answer is on its way.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const other = sessionTableRow(
      aRollup({ project, sessionId: 'x-1', identity: 'run-of-another' }),
    );
    await world
      .admin()
      .insert({ table: 'sojourn.sessions', values: [other], format: 'JSONEachRow' });
    await world.admin().command({
      query: `INSERT INTO sojourn.imports SELECT * REPLACE ('somebody' AS import, 'done' AS state, 2 AS version)
        FROM (SELECT * FROM sojourn.imports FINAL WHERE project = '${project}' LIMIT 1)`,
    });
    door.letGo();

    const { code, stderr } = await end;

    expect(code, stderr).to.equal(0);
    const { stdout } = await world.run('import', 'list', '--project', project);
    const [own] = (JSON.parse(stdout) as Fields[]).filter(({ id }) => id !== 'somebody');
    expect(own).to.include({ state: 'done', loaded: 1, left: 1 });
  });

  it('is gone from the list where it was refused, for another one of its project was loading', async () => {
    const project = 'refused';
    const file = world.fileOf('refused.ndjson', [visit('x-1', 1)]);
    // Held once it is noted, before it looks at what others have begun.
    let isNoted = false;
    const door = await openClickHouseDoor(world.environment()['CLICKHOUSE_URL'] ?? '', (query) => {
      if (isNoted && query.includes('FROM sojourn.imports')) return true;
      isNoted ||= /query_id=imports-/.test(query);
      return false;
    });
    doors.push(door);
    const refused = world.start(['import', file, '--project', project], {
      CLICKHOUSE_URL: door.url,
    });
    const end = endOf(refused);
    const note = (state: string, version: number) =>
      world.admin().command({
        query: `INSERT INTO sojourn.imports SELECT * REPLACE ('somebody' AS import, '${state}' AS state,
            began_at - 1 AS began_at, ${version} AS version)
          FROM (SELECT * FROM sojourn.imports FINAL WHERE project = '${project}' AND import != 'somebody' LIMIT 1)`,
      });
    await Promise.race([
      door.held,
      end.then(({ stderr }) => {
        throw new Error(`it ended: ${stderr}`);
      }),
    ]);
    const id = await idOf(project);
    expect(id).to.not.equal('');
    // Somebody who began at the same moment, and a little sooner.
    await note('loading', 1);
    door.letGo();

    const { code, stderr } = await end;

    expect(code, stderr).to.equal(2);
    expect(stderr).to.contain('import somebody of project refused is not finished');
    const listed = async () => {
      const { stdout } = await world.run('import', 'list', '--project', project);
      return (JSON.parse(stdout) as Fields[]).map(({ id: name, state }) => [name, state]);
    };
    expect(await listed()).to.deep.equal([['somebody', 'loading']]);
    await note('taken_back', 4);
    expect(await world.imported(file, project)).to.include({ id, state: 'done', loaded: 1 });
    expect(await listed()).to.deep.include([id, 'done']);
    const handle = world.temporal().workflow.getHandle(importWorkflowId(project, id));
    expect(await handle.query(importStateQuery)).to.include({ phase: 'done' });
    await world.undone(id);
    expect(await world.rowsOf(project)).to.deep.equal(NO_ROWS);
  });
});
