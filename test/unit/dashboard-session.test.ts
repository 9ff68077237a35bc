import { expect } from 'chai';
import { oneSession, type SessionDeps } from '../../dashboard/sessions.ts';
import { loadZones } from '../../platform/zones.ts';
import { noteAct } from '../../shared/actor.ts';
import { viewOf } from '../../shared/session-view.ts';
import { anActor, anEvent, NOON_ISH } from '../support/builders.ts';

describe('a session on the page', () => {
  it('comes without the names of the operators who have asked something of it', async () => {
    const actor = anActor([anEvent()]);
    noteAct(actor, 'exclude', { by: 'anna@desk', reason: 'a load test' }, NOON_ISH);
    const row = {
      ...{ session_id: 's-1', first_run_id: 'run-1', excluded: false },
      ...{ started_ms: NOON_ISH, last_event_ms: NOON_ISH, updated_ms: NOON_ISH },
    };
    const database = {
      rows: ({ sql }: { readonly sql: string }) =>
        Promise.resolve(sql.includes('sessions_current') ? [row] : []),
    };
    const deps = {
      ...{ database, zones: loadZones(), temporalUiUrl: undefined, temporalNamespace: 'default' },
      stateOf: () => Promise.resolve(viewOf(actor, NOON_ISH)),
    } as unknown as SessionDeps;

    const shown = await oneSession(deps, {
      ...{ project: 'shop', sessionId: 's-1', firstRunId: undefined },
    });

    expect(shown.live).to.include({ sessionId: 's-1', status: 'open' });
    expect(JSON.stringify(shown)).to.not.contain('anna').and.not.contain('load test');
  });
});
