import { expect } from 'chai';
import { createVisitors } from '../../activities/visitors.ts';
import { openActor, type SessionInput, snapshotOf } from '../../shared/actor.ts';
import { nextStep } from '../../shared/next-step.ts';
import { takeOpening, takeUser, writeRequest } from '../../shared/write.ts';
import { createOpener } from '../../workers/ingest/opening.ts';
import { aBatch, anEvent, NOON_ISH, SETTINGS } from '../support/builders.ts';

function anInput(...events: readonly ReturnType<typeof anEvent>[]): SessionInput {
  return { project: 'shop', sessionId: 's-1', settings: SETTINGS, batch: aBatch(...events) };
}

/** As ingest folds it, before there is a run. */
const opened = (input: SessionInput) => openActor(input, '', NOON_ISH);

function aStore(answer: (owner: string) => Promise<string>) {
  const claims: string[] = [];
  const replaced: string[] = [];
  return {
    claims,
    replaced,
    claim(_key: string, owner: string) {
      claims.push(owner);
      return answer(owner);
    },
    ownerOf: () => Promise.resolve(undefined),
    replace(_key: string, owner: string) {
      replaced.push(owner);
      return Promise.resolve(true);
    },
  };
}

const visitorsOf = (store: ReturnType<typeof aStore>, now = () => NOON_ISH) =>
  createVisitors(store, { now, onAway: () => undefined });

const DAY = Date.UTC(2024, 2, 5);

const kept = (owner: string) => Promise.resolve(owner);
const away = () => Promise.reject(new Error('away'));

describe('the first write of a new session', () => {
  it('is what the session would write', async () => {
    const end = anEvent({ type: 'session_end', at: NOON_ISH + 11_000 });
    const input = anInput(anEvent({ path: '/a' }), end);

    const opening = await createOpener(undefined).plan(opened(input), NOON_ISH);

    expect(opening).to.include({ status: 'ended', endReason: 'session_end', owesMore: false });
    const duration = ['avg_session_duration|hour|1709632800000||', '11', 1];
    expect(opening?.rows).to.deep.include(duration);
    expect(opening).not.to.have.property('user');
  });

  it('is nothing where a session writes at its end only', async () => {
    const input = { ...anInput(anEvent()), settings: { ...SETTINGS, checkpointMs: null } };

    expect(await createOpener(undefined).plan(opened(input), NOON_ISH)).to.equal(undefined);
  });

  it('claims no user, and gives none back, where there is none', async () => {
    const settings = { ...SETTINGS, checkpointMs: null };
    const actor = opened({ ...anInput(anEvent({ userId: 'ann' })), settings });
    const store = aStore(kept);
    const opener = createOpener(visitorsOf(store));

    expect(await opener.plan(actor, NOON_ISH)).to.equal(undefined);
    await opener.drop(actor, NOON_ISH);

    expect(store.claims).to.deep.equal([]);
    expect(store.replaced).to.deep.equal([]);
  });

  it('says whether its user is new', async () => {
    const input = { ...anInput(anEvent({ userId: 'ann' })), visitorsSince: NOON_ISH - 1 };
    const metrics = async (answer: (owner: string) => Promise<string>) => {
      const opening = await createOpener(visitorsOf(aStore(answer))).plan(opened(input), NOON_ISH);
      return opening?.rows.map(([key]) => key).filter((key) => key.includes('users'));
    };

    expect(await metrics(kept)).to.deep.equal([`new_users|day|${DAY}||`]);
    expect(await metrics(() => Promise.resolve('somebody@1'))).to.deep.equal([
      `returning_users|day|${DAY}||`,
    ]);
  });

  it('goes out without the user where nobody can tell whether it is a new one, and is made up for', async () => {
    const input = anInput(anEvent({ userId: 'ann' }), anEvent({ type: 'session_end' }));
    let now = NOON_ISH;
    const store = aStore(away);
    const opener = createOpener(visitorsOf(store, () => now));

    const opening = await opener.plan(opened(input), NOON_ISH);
    now += 4_999;
    await opener.plan(opened(input), now);
    expect(store.claims).to.have.length(1);
    now += 1;
    await opener.plan(opened(input), now);
    expect(store.claims).to.have.length(2);

    if (opening === undefined) throw new Error('nothing to write');
    expect(opening.rows.map(([key]) => key).filter((key) => key.includes('users'))).to.be.empty;
    const actor = openActor(input, 'run-1', NOON_ISH);
    takeOpening(actor, opening, NOON_ISH);
    expect(nextStep(actor, NOON_ISH)).to.deep.equal({ do: 'recognize' });
    takeUser(actor, { userId: 'ann', isNew: false });
    expect(nextStep(actor, NOON_ISH)).to.include({ do: 'write', status: 'ended' });
    expect(writeRequest(actor, { status: 'ended' }, NOON_ISH).rollup.rows).to.deep.equal([
      [`returning_users|day|${DAY}||`, '1', 1],
    ]);
  });

  it('is left to the session where ingest has no visitor store', async () => {
    const withUser = opened(anInput(anEvent({ userId: 'ann' })));

    expect(await createOpener(undefined).plan(withUser, NOON_ISH)).to.equal(undefined);
  });

  it('leaves the session where its own write would have left it', async () => {
    const input = anInput(anEvent({ userId: 'ann' }), anEvent());
    const opening = await createOpener(visitorsOf(aStore(kept))).plan(opened(input), NOON_ISH);
    const actor = openActor(input, 'run-1', NOON_ISH);
    if (opening === undefined) throw new Error('nothing to write');

    const rollup = takeOpening(actor, opening, NOON_ISH);

    expect(rollup).to.include({ identity: 'run-1', by: 'run-1', writeNo: 1 });
    expect(rollup.session).to.include({ newUser: true, events: 2, status: 'open' });
    expect(actor.lastWriteAt).to.equal(NOON_ISH);
    expect(snapshotOf(actor)).to.deep.include({
      writeNo: 1,
      user: { userId: 'ann', isNew: true },
      shown: { status: 'open', events: 2 },
    });
  });
});
