/** Sessions that an operator takes out of the numbers and puts back, on real servers and by the command line. */
import { expect } from 'chai';
import type { DryRun } from '../../operations/exclude.ts';
import { ANALYST_RELATIONS } from '../../platform/analyst-rights.ts';
import { operatorIdentity, operatorName } from '../../platform/operator.ts';
import { firstOf } from '../../platform/payloads.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import type { SessionView } from '../../shared/session-view.ts';
import { excludeSignal, includeSignal } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const WITHIN = { withinMs: 120_000 };
/** A task that is done again waits for Temporal's own time to be over, on a busy machine more than once. */
const DONE_AGAIN = { withinMs: 120_000 };

/** What is another one in each project or moment, or with each way that its events travelled. */
function withoutNames(row: Record<string, unknown>): Record<string, unknown> {
  const { project: _, first_run_id: _1, updated_at: _2, version: _3, ...rest } = row;
  return rest;
}

describe('a session that an operator excludes', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;

  before(async () => {
    pipeline = await startPipelineProcess(servers(), {
      SESSION_IDLE_TIMEOUT: '5m',
      SESSION_CHECKPOINT: '300ms',
      LATE_GRACE: '1s',
    });
    around = await connectAround(servers());
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
  });

  const event = (
    project: string,
    sessionId: string,
    n: number,
    fields: Partial<ReferenceEvent> = {},
  ): ReferenceEvent => ({
    project,
    sessionId,
    eventId: `${sessionId}-${n}`,
    eventType: 'pageview',
    timestamp: Date.UTC(2026, 2, 3, 10, 14, n),
    userId: `u-${sessionId}`,
    properties: { path: `/${n % 3}`, trafficSource: 'google', country: 'DE', deviceType: 'mobile' },
    ...fields,
  });
  const purchase = (project: string, sessionId: string, n: number) =>
    event(project, sessionId, n, {
      eventType: 'purchase',
      properties: { revenue: '12.5', currency: 'EUR', conversionType: 'shop' },
    });
  const end = (project: string, sessionId: string, n: number) =>
    event(project, sessionId, n, { eventType: 'session_end' });

  const publish = async (events: readonly ReferenceEvent[]) => {
    for (const { project, ...sent } of events) await around.publish(project, sent);
  };

  const expectRows = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const got = [...(await around.rows(project))].sort();
      const want = [...publishedRows(events)].filter(([, a]) => a.value !== 0n || a.count !== 0);
      expect(got).to.deep.equal(want.sort());
    }, WITHIN);

  const session = (project: string, sessionId: string) =>
    around
      .select<{ excluded: boolean; page_views: number; state: string; new_user: boolean | null }>(
        `SELECT excluded, page_views, state, new_user FROM sojourn.sessions FINAL
         WHERE project = '${project}' AND session_id = '${sessionId}'`,
      )
      .then(([row]) => row);

  const run = (words: readonly string[]) => sojourn(words, environmentOf(servers()));
  const turn = async (word: 'exclude' | 'include', project: string, sessionId: string) => {
    const { code, stdout, stderr } = await run([
      ...['session', word, sessionId, '--project', project, '--json'],
    ]);
    expect(code, stderr).to.equal(0);
    return { view: JSON.parse(stdout) as SessionView, stderr };
  };

  const expectCleanAudit = async (project: string) => {
    const { code, stdout } = await run(['audit', '--project', project, '--json']);
    expect(code, stdout).to.equal(0);
  };

  it('counts in nothing while it is open, whatever comes, and in all once it is included', async () => {
    const project = 'exclude-open';
    const stays = [event(project, 'stays', 1), purchase(project, 'stays', 2)];
    const goes = [
      event(project, 'goes', 1, { properties: { path: '/1', bot: 'true' } }),
      purchase(project, 'goes', 2),
      event(project, 'goes', 3, { eventType: 'video', properties: {} }),
    ];
    await publish([...stays, ...goes]);
    await expectRows(project, [...stays, ...goes]);
    // A load fills the two tables side by side.
    await eventually(async () => {
      expect(await session(project, 'goes')).to.not.equal(undefined);
    }, WITHIN);
    const before = await session(project, 'goes');

    // Where its task is done again (a busy machine), rows are there before the session knows that they are written.
    await eventually(async () => {
      const dry = await run([
        ...['session', 'exclude', 'goes', '--project', project, '--dry-run', '--json'],
      ]);
      const { rows, excluded } = JSON.parse(dry.stdout) as DryRun;
      expect(excluded).to.equal(false);
      expect(
        rows.find(({ metricType, dimension }) => metricType === 'revenue' && dimension === ''),
        dry.stdout,
      ).to.deep.include({ value: '-12.5', count: -1 });
    }, DONE_AGAIN);
    await expectRows(project, [...stays, ...goes]);

    expect((await turn('exclude', project, 'goes')).view.excluded).to.equal(true);
    await expectRows(project, stays);
    await eventually(async () => {
      expect((await session(project, 'goes'))?.excluded).to.equal(true);
    }, WITHIN);
    expect((await turn('exclude', project, 'goes')).stderr).to.contain('already');

    const more = [event(project, 'goes', 4), event(project, 'stays', 5)];
    await publish(more);
    await eventually(async () => {
      expect((await session(project, 'goes'))?.page_views).to.equal(2);
    }, WITHIN);
    await expectRows(project, [...stays, ...more.slice(1)]);
    await expectCleanAudit(project);

    expect((await turn('include', project, 'goes')).view.excluded).to.equal(undefined);
    await expectRows(project, [...stays, ...goes, ...more]);
    await eventually(async () => {
      expect(await session(project, 'goes')).to.deep.equal({ ...before, page_views: 2 });
    }, WITHIN);
    await expectCleanAudit(project);
  });

  it('is in no view, as if it had never come', async () => {
    const [project, never] = ['exclude-views', 'exclude-never'];
    const stays = (name: string) => [event(name, 'stays', 1), purchase(name, 'stays', 2)];
    const goes = [event(project, 'goes', 1), purchase(project, 'goes', 2)];
    await publish([...stays(project), ...goes, ...stays(never)]);
    await expectRows(project, [...stays(project), ...goes]);
    await expectRows(never, stays(never));
    await turn('exclude', project, 'goes');
    await expectRows(project, stays(project));
    await eventually(async () => {
      expect((await session(project, 'goes'))?.excluded).to.equal(true);
    }, WITHIN);

    // Those show each session, and whether it is excluded; and sums that are not merged yet.
    const others = [
      ...['sessions', 'sessions_current', 'metrics', 'event_days', 'event_hours', 'day_measures'],
    ];
    let compared = 0;
    for (const name of ANALYST_RELATIONS.filter((relation) => !others.includes(relation))) {
      const columns = await around.select<{ name: string }>(`DESCRIBE TABLE sojourn.${name}`);
      if (!columns.some((column) => column.name === 'project')) continue;
      const rowsOf = async (of: string) => {
        const rows = await around.select<Record<string, unknown>>(
          `SELECT * FROM sojourn.${name} WHERE project = '${of}'`,
        );
        return rows.map((row) => JSON.stringify(withoutNames(row))).sort();
      };
      const [got, want] = await Promise.all([rowsOf(project), rowsOf(never)]);
      expect(got, name).to.deep.equal(want);
      if (want.length > 0) compared += 1;
    }
    expect(compared).to.be.greaterThan(30);
  });

  it('is taken back after its end, too, and late events change nothing until it is included', async () => {
    const project = 'exclude-closed';
    const stays = [event(project, 'stays', 1), end(project, 'stays', 2)];
    const goes = [event(project, 'goes', 1), purchase(project, 'goes', 2), end(project, 'goes', 3)];
    await publish([...stays, ...goes]);
    await expectRows(project, [...stays, ...goes]);
    const { client, connection } = await connectTemporalOf(servers());
    const closed = () =>
      eventually(async () => {
        const handle = client.workflow.getHandle(sessionWorkflowId(project, 'goes'));
        expect((await handle.describe()).status.name).to.equal('COMPLETED');
      }, WITHIN);
    try {
      await closed();
      await turn('exclude', project, 'goes');
      await expectRows(project, stays);
      await closed();
      expect(await session(project, 'goes')).to.include({ excluded: true, state: 'ended' });

      const late = event(project, 'goes', 9, { userId: 'u-late' });
      await publish([late]);
      await eventually(async () => {
        expect((await session(project, 'goes'))?.page_views).to.equal(2);
      }, WITHIN);
      await expectRows(project, stays);
      await closed();
      await expectCleanAudit(project);

      await turn('include', project, 'goes');
      await expectRows(project, [...stays, ...goes, late]);
      await closed();
      await expectCleanAudit(project);
    } finally {
      await connection.close();
    }
  });

  it('says who asked for it and why: its state, the UI, and what Temporal keeps', async () => {
    const project = 'exclude-asked';
    const [id, why] = [sessionWorkflowId(project, 'goes'), 'a load test'];
    await publish([event(project, 'goes', 1)]);
    await expectRows(project, [event(project, 'goes', 1)]);
    const { client, connection } = await connectTemporalOf(servers());
    const told = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await run([...words, '--project', project, '--json']);
      expect(code, stderr).to.equal(0);
      return ((JSON.parse(stdout) as SessionView).asked ?? []).map(({ at: _, ...said }) => said);
    };
    try {
      const handle = client.workflow.getHandle(id);
      const { runId } = await handle.describe();
      const byAnna = { act: 'exclude', by: 'anna@desk', reason: why };
      const turned = ['session', 'exclude', 'goes', '--by', 'anna@desk', '--reason', why];
      expect(await told(...turned)).to.deep.equal([byAnna]);
      const metadata = await handle.query<{ currentDetails: string }>(
        '__temporal_workflow_metadata',
      );
      expect(metadata.currentDetails).to.contain(`**excluded** by anna@desk (${why})`);

      // As callers of before, and people in the Temporal UI, who say nothing.
      await handle.signal(includeSignal.name);
      await handle.executeUpdate<SessionView, []>(excludeSignal.name);
      const bySystem = { act: 'end', by: operatorName() };
      const all = [bySystem, { act: 'exclude' }, { act: 'include' }, byAnna];
      expect(await told('session', 'end', 'goes')).to.deep.equal(all);
      await eventually(async () => {
        expect((await handle.describe()).status.name).to.equal('COMPLETED');
      }, WITHIN);

      // Opened once more for that.
      const included = await told('session', 'include', 'goes', '--reason', 'it was a person');
      const again = { act: 'include', by: operatorName(), reason: 'it was a person' };
      expect(included).to.deep.equal([again, ...all]);
      await expectRows(project, [event(project, 'goes', 1)]);
      const shown = await run(['session', 'show', 'goes', '--project', project]);
      expect(shown.stdout).to.contain(`anna@desk`).and.contain('it was a person');

      const { events = [] } = await client.workflow.getHandle(id, runId).fetchHistory();
      const asked = events?.flatMap(
        (one) => one.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest ?? [],
      );
      const named = (asked ?? []).map(({ input, meta }) => [
        input?.name,
        meta?.identity,
        firstOf(input?.args),
      ]);
      expect(named).to.deep.equal([
        ['exclude', operatorIdentity(), { by: 'anna@desk', reason: why }],
        ['exclude', operatorIdentity(), undefined],
        ['end', operatorIdentity(), { by: operatorName() }],
      ]);
    } finally {
      await connection.close();
    }
  });

  it('is turned by signals from the Temporal UI, more rows than a record takes as well', async () => {
    const project = 'exclude-signals';
    const many = Array.from({ length: 1_200 }, (_, n) =>
      event(project, 'bot', n, {
        timestamp: Date.UTC(2026, 2, 3, 10) + n,
        properties: { path: `/page-${n}` },
      }),
    );
    for (let at = 0; at < many.length; at += 400) {
      const batch = many.slice(at, at + 400).map(({ project: _, ...sent }) => sent);
      await around.publish(project, batch);
    }
    await expectRows(project, many);
    const { client, connection } = await connectTemporalOf(servers());
    try {
      const handle = client.workflow.getHandle(sessionWorkflowId(project, 'bot'));
      await handle.signal(excludeSignal);
      await expectRows(project, []);
      await handle.signal(includeSignal);
      await handle.signal(excludeSignal);
      await handle.signal(includeSignal);
      await expectRows(project, many);
      await handle.signal('end');
    } finally {
      await connection.close();
    }
    await expectCleanAudit(project);
  });

  it('takes out all that filters choose, open and closed, and lets them count again', async () => {
    const project = 'exclude-many';
    const robot = { userId: 'robot' };
    const stays = [event(project, 'stays', 1)];
    const goes = [
      ...[1, 2].map((n) => event(project, 'robot-open', n, robot)),
      event(project, 'robot-closed', 3, robot),
      { ...end(project, 'robot-closed', 4), ...robot },
    ];
    await publish([...stays, ...goes]);
    await expectRows(project, [...stays, ...goes]);
    const chosen = async () => {
      const words = ['session', 'list', '--project', project, '--user', 'robot', '--json'];
      return (JSON.parse((await run(words)).stdout) as readonly unknown[]).length;
    };
    // Temporal's list follows its workflows.
    await eventually(async () => expect(await chosen()).to.equal(2), WITHIN);
    const many = async (word: 'exclude' | 'include', ...more: readonly string[]) => {
      const words = ['session', word, '--project', project, '--user', 'robot', '--json', ...more];
      const { code, stdout, stderr } = await run(words);
      expect(code, stderr).to.equal(0);
      return JSON.parse(stdout) as Record<string, unknown> & Pick<DryRun, 'rows'>;
    };

    // As above: the rows may be there before the sessions know it.
    await eventually(async () => {
      const dry = await many('exclude', '--dry-run');
      expect(dry).to.include({ dryRun: true, matched: 2, already: 0, left: 0 });
      const views = dry.rows.filter(
        ({ metricType, dimension }) => metricType === 'page_views' && dimension === '',
      );
      expect(views.map(({ value }) => Number(value))).to.deep.equal([-3]);
    }, DONE_AGAIN);
    await expectRows(project, [...stays, ...goes]);

    expect(await many('exclude')).to.deep.equal({
      ...{ matched: 2, excluded: 2, already: 0, failed: [], left: 0 },
    });
    await expectRows(project, stays);
    // One that was closed has a new run, which the list has to hear of.
    await eventually(async () => expect(await chosen()).to.equal(2), WITHIN);
    expect(await many('exclude')).to.include({ excluded: 0, already: 2 });
    await expectCleanAudit(project);

    expect(await many('include')).to.include({ matched: 2, included: 2, already: 0 });
    await expectRows(project, [...stays, ...goes]);
    await expectCleanAudit(project);
  });

  it('says what becomes of a session that never was open', async () => {
    const { code, stderr } = await run([
      'session',
      'exclude',
      'nobody',
      '--project',
      'exclude-none',
    ]);

    expect(code).to.equal(1);
    expect(stderr).to.contain('import undo').and.contain('import list').and.contain('--replace');
  });
});
