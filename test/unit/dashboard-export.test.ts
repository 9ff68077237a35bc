/** An export asks for what its panel shows, and refuses what its panel refuses. */
import { expect } from 'chai';
import { AddressError, type Parameters, parseView } from '../../dashboard/address.ts';
import {
  type AnswerDeps,
  type Asked,
  chart,
  list,
  oneOverTime,
  resolveView,
  summarize,
} from '../../dashboard/answers.ts';
import { exportOf } from '../../dashboard/export.ts';
import { EVENT_LISTS } from '../../dashboard/queries.ts';
import { parseListName, parseOne } from '../../dashboard/routes.ts';
import { listSessions } from '../../dashboard/sessions.ts';
import { loadViewZones } from '../../platform/zones.ts';

/** A ClickHouse in which there is nothing. */
const deps: AnswerDeps = {
  database: {
    rows: () => Promise.resolve([]),
    stream: () => Promise.reject(new Error('nobody streams here')),
  },
  zones: loadViewZones(),
  now: () => Date.UTC(2026, 2, 11, 12),
};

const OF = { of: 'pages', name: '/shoes' };
/** The panel of each export. */
const PANELS: Readonly<Record<string, (asked: Asked) => Promise<unknown>>> = {
  chart: (asked) => chart(deps, asked),
  revenue: (asked) => summarize(deps, asked),
  sessions: (asked) => listSessions(deps, asked, undefined),
  'over-time': (asked) => oneOverTime(deps, asked, parseOne(OF)),
  ...Object.fromEntries(
    [...EVENT_LISTS, 'channel', 'dim.plan'].map((name) => [
      name,
      (asked: Asked) => list(deps, asked, parseListName(name), 10),
    ]),
  ),
};

/** What is said to whoever asks; undefined: it is answered. */
async function refusalOf(answer: () => unknown): Promise<string | undefined> {
  try {
    await answer();
    return undefined;
  } catch (error) {
    if (error instanceof AddressError) return error.message;
    throw error;
  }
}

describe('an export', () => {
  const asked = (filters: Parameters) =>
    resolveView(deps, parseView({ project: 'shop', range: '7d', ...filters }));

  for (const [name, panel] of Object.entries(PANELS)) {
    it(`'${name}' takes the filters that its panel takes, and refuses the others in the same words`, async () => {
      const [plain, filtered] = [await asked({}), await asked({ country: ['DE', 'IN'] })];
      const query = (of: Asked) => exportOf(deps, of, name, OF);

      expect(query(plain).sql).to.contain('SELECT');
      const refusal = await refusalOf(() => panel(filtered));
      expect(await refusalOf(() => query(filtered))).to.equal(refusal);
      // What is not refused is followed.
      if (refusal === undefined) {
        expect(Object.values(query(filtered).params)).to.deep.include(['DE', 'IN']);
      }
    });
  }
});
