/** The order in which an analyst is made by SQL: broken off anywhere, it sees nothing. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { keepsPolicies } from '../../operations/analysts.ts';
import { ANALYST_RELATIONS, PROJECT_TABLES } from '../../platform/analyst-rights.ts';
import {
  createAnalyst,
  listSqlAnalysts,
  renewAnalysts,
  rightsStatements,
} from '../../platform/analyst-users.ts';
import { silentLog } from '../../platform/log.ts';
import { toError } from '../../shared/errors.ts';

const ADA = { name: 'ada', project: 'shop', passwordHash: 'a'.repeat(64) };

interface Known {
  readonly name: string;
  readonly condition: string;
}

/** Keeps what it is told. @param failAt the number of the statement that breaks */
function aServer({ known = [] as Known[], seen = 1, failAt = Infinity } = {}) {
  const statements: string[] = [];
  const client = {
    command({ query }: { query: string }) {
      if (statements.length >= failAt) return Promise.reject(new Error('broken off'));
      statements.push(query.replace(/\s+/g, ' '));
      return Promise.resolve({});
    },
    query({ query }: { query: string }) {
      const rows = query.includes('system.users') ? known : [{ seen }];
      return Promise.resolve({ json: () => Promise.resolve(rows) });
    },
  } as unknown as ClickHouseClient;
  return { client, statements };
}

const isGrant = (query: string) => query.startsWith('GRANT');
const policyOn = (table: string, kind: string) =>
  `CREATE ROW POLICY OR REPLACE \`sojourn_analyst_ada${kind === 'PERMISSIVE' ? '.permits' : ''}\` ON sojourn.${table} AS ${kind} FOR SELECT USING project = 'shop' TO \`sojourn_analyst_ada\``;

describe('an analyst that is made by SQL', () => {
  it('may read once all policies are there, whatever it breaks off at', async () => {
    const { client, statements } = aServer();
    await createAnalyst(client, ADA);
    const all = statements.length;

    for (let failAt = 0; failAt <= all; failAt += 1) {
      const broken = aServer({ failAt });
      await createAnalyst(broken.client, ADA).catch(() => undefined);
      const granted = broken.statements.findIndex(isGrant);
      expect(granted === -1, `broken off at ${failAt} of ${all}`).to.equal(failAt < all);
      if (granted === -1) continue;
      for (const table of PROJECT_TABLES) {
        for (const kind of ['RESTRICTIVE', 'PERMISSIVE']) {
          const made = broken.statements.indexOf(policyOn(table, kind));
          expect(made, `${kind} on ${table}`).to.be.within(0, granted);
        }
      }
    }
  });

  it('has no policy by the name of another one, whatever they are called', () => {
    const policies = (name: string) =>
      rightsStatements({ name, project: 'shop' }).flatMap(
        (query) => /^\s*CREATE ROW POLICY OR REPLACE (\S+ ON \S+)/.exec(query)?.[1] ?? [],
      );
    const names = ['shop', 'shop_permits', 'shop-permits', 'permits', 'shop_'];
    const all = names.flatMap(policies);
    expect(all.length).to.equal(names.length * PROJECT_TABLES.length * 2);
    expect(new Set(all).size).to.equal(all.length);
  });

  it('is made where the making was broken off before', async () => {
    const { client, statements } = aServer({
      known: [{ name: 'sojourn_analyst_ada', condition: '' }],
    });
    await createAnalyst(client, ADA);

    expect(statements.filter(isGrant)).to.have.length(1);
  });

  it('is granted what is named, in place of all that it had', async () => {
    const { client, statements } = aServer();
    await createAnalyst(client, ADA);

    const grants = statements.filter(isGrant);
    expect(grants).to.have.length(1);
    expect(grants[0]).to.match(/ TO `sojourn_analyst_ada` WITH REPLACE OPTION$/);
    for (const name of ANALYST_RELATIONS) expect(grants[0]).to.contain(`SELECT ON sojourn.${name}`);
    expect(grants[0]).not.to.match(/\.\*/);
  });

  it('is not made, and nothing of it stays, where others would lose their rows', async () => {
    const { client, statements } = aServer({ seen: 0 });
    const fault = await createAnalyst(client, ADA).catch(toError);

    expect(fault).to.have.property('code', 'SJ_CONFIG');
    const policies = statements.filter((query) => query.startsWith('CREATE ROW POLICY'));
    expect(policies).to.have.length(1);
    expect(policies[0]).to.contain(' ON sojourn.`analyst_probe_ada` ');
    expect(statements.filter(isGrant)).to.deep.equal([]);
    expect(statements).to.include('DROP USER IF EXISTS `sojourn_analyst_ada`');
  });

  it('keeps its project', async () => {
    const known = [{ name: 'sojourn_analyst_ada', condition: "project = 'blog'" }];
    const { client, statements } = aServer({ known });
    const fault = await createAnalyst(client, ADA).catch(toError);

    expect(fault).to.have.property('code', 'SJ_USAGE');
    expect(statements).to.deep.equal([]);
    expect(await listSqlAnalysts(client)).to.deep.equal([{ name: 'ada', project: 'blog' }]);
  });

  it('gets by an upgrade what the version lets it see; one that was never finished gets nothing', async () => {
    const known = [
      { name: 'sojourn_analyst_ada', condition: "(project = 'shop')" },
      { name: 'sojourn_analyst_eve', condition: '' },
    ];
    const { client, statements } = aServer({ known });
    await renewAnalysts(client, silentLog);

    expect(statements.at(-1)).to.match(/^GRANT .* TO `sojourn_analyst_ada` WITH REPLACE OPTION$/);
    expect(statements.join()).not.to.contain('sojourn_analyst_eve');
  });
});

describe('a version of ClickHouse', () => {
  it('keeps row policies once its line has mended what is known', () => {
    for (const version of ['26.3.22.6', '26.5.9.1', '26.7.6.5', '26.8.1.1', '27.1.1.1']) {
      expect(keepsPolicies(version), version).to.equal(true);
    }
    for (const version of ['25.8.1.1', '26.3.22.5', '26.4.9.9', '26.7.2.1', '']) {
      expect(keepsPolicies(version), version).to.equal(false);
    }
  });
});
