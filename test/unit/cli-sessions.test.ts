import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { findSessions, type SessionSelection } from '../../operations/temporal-sessions.ts';
import { parseCursor } from '../../operations/session-filter.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';

interface Run {
  readonly id: string;
  readonly project?: string;
  /** Open again, which only asking for it by its id tells. */
  readonly reopened?: boolean;
}

const runIdOf = (workflowId: string) => `run-${Buffer.from(workflowId).toString('hex').slice(-60)}`;

/** A Temporal that lists these closed runs, and notes what it was asked. */
function aClient(runs: readonly Run[]) {
  const asked = { queries: [] as string[], described: [] as string[] };
  const names = new Map(
    runs.map((run) => [sessionWorkflowId(run.project ?? 'shop', run.id), run] as const),
  );
  const workflow = {
    async *list({ query }: { query: string }) {
      asked.queries.push(query);
      let startTime = Date.UTC(2026, 0, 1);
      for (const workflowId of names.keys()) {
        startTime -= 1_000;
        yield await Promise.resolve({
          workflowId,
          runId: runIdOf(workflowId),
          raw: {},
          status: { name: 'COMPLETED' },
          startTime: new Date(startTime),
          closeTime: new Date(startTime),
          typedSearchAttributes: { get: () => undefined },
        });
      }
    },
    getHandle: (workflowId: string) => ({
      describe() {
        asked.described.push(workflowId);
        const reopened = names.get(workflowId)?.reopened === true;
        return Promise.resolve({ runId: reopened ? 'a newer run' : runIdOf(workflowId) });
      },
    }),
  };
  return { client: { workflow } as unknown as Client, asked };
}

const closed = (client: Client, more: Partial<SessionSelection> = {}) =>
  findSessions(
    client,
    { project: 'shop', state: 'closed', limit: 50, ...more },
    { onFound: () => undefined, withTimes: (rows) => Promise.resolve(rows) },
  );

describe('the list of sessions', () => {
  const awkward = ['what?', 'back\\slash', 'quo"te', "apo'strophe", 'Case', 'case', '100%_'];

  it('asks with no text that a producer chose', async () => {
    const { client, asked } = aClient(awkward.map((id) => ({ id })));

    await closed(client);

    for (const query of asked.queries) {
      for (const id of awkward.slice(0, 4)) expect(query).to.not.contain(id);
    }
    expect(asked.queries).to.have.length(1);
  });

  for (const id of awkward) {
    it(`leaves out ${id}, which is open again, and nothing else`, async () => {
      const { client } = aClient(awkward.map((name) => ({ id: name, reopened: name === id })));

      const rows = await closed(client);

      expect(rows.map((row) => row.id)).to.deep.equal(awkward.filter((name) => name !== id));
    });
  }

  it('is as long as was asked for, though some are open again', async () => {
    const runs = Array.from({ length: 30 }, (_, i) => ({ id: `s${i}`, reopened: i % 2 === 0 }));
    const { client, asked } = aClient(runs);

    const rows = await closed(client, { limit: 5 });

    expect(rows.map(({ id }) => id)).to.deep.equal(['s1', 's3', 's5', 's7', 's9']);
    expect(asked.described.length).to.be.below(30);
  });

  it('holds only sessions of the project, whatever the store takes as equal', async () => {
    const { client } = aClient([{ id: 'a' }, { id: 'b', project: 'SHOP' }]);

    expect((await closed(client)).map(({ id }) => id)).to.deep.equal(['a']);
  });

  it('comes in pages that hold each session once', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `s${i}`);
    const { client } = aClient(ids.map((id) => ({ id })));

    const pages: string[][] = [];
    for (let after: SessionSelection['after']; ;) {
      const rows = await closed(client, { limit: 5, after });
      pages.push(rows.map(({ id }) => id));
      const last = rows.at(-1);
      if (last === undefined) break;
      after = parseCursor(last.cursor) ?? expect.fail(`no cursor: ${last.cursor}`);
    }

    expect(pages.map((page) => page.length)).to.deep.equal([5, 5, 2, 0]);
    expect(pages.flat()).to.deep.equal(ids);
  });

  it('asks with a text that a producer chose where every store reads it alike, and compares it', async () => {
    const { client, asked } = aClient([{ id: 'a' }]);

    expect(await closed(client, { user: "o'hara", country: 'DE' })).to.deep.equal([]);
    expect(asked.queries[0]).to.contain("SojournCountry = 'DE'").and.not.contain('hara');
  });
});
