/** A session whose run cannot be asked any more is what its history says. */
import { expect } from 'chai';
import { snapshotFromEvents } from '../../platform/session-history.ts';
import type { SessionSnapshot } from '../../shared/actor.ts';
import { SESSION_WORKFLOW } from '../../shared/ids.ts';
import { balanceRows } from '../../shared/balance.ts';
import { fromWire, toWire } from '../../shared/contributions.ts';
import { entryOf } from '../../shared/rollup.ts';
import { stateFromWire } from '../../shared/session-wire.ts';
import { decodeBalance } from '../../shared/tables.ts';
import { payloadConverter } from '../../workflows/payload-converter.ts';
import { throughJson } from '../support/builders.ts';
import { HISTORY_NAMES, historyNamed, recordsOf } from '../support/histories.ts';

const eventsOf = (name: string) => historyNamed(name).events ?? [];

/** Imports are workflows, too. */
function isOfSession(name: string): boolean {
  const [started] = eventsOf(name);
  const type = started?.workflowExecutionStartedEventAttributes?.workflowType?.name;
  return type === SESSION_WORKFLOW;
}

/** What the run itself said when it ended. */
function resultIn(events: ReturnType<typeof eventsOf>): SessionSnapshot | undefined {
  const [payload] =
    events.at(-1)?.workflowExecutionCompletedEventAttributes?.result?.payloads ?? [];
  return payload && payloadConverter.fromPayload<SessionSnapshot>(payload);
}

/** Rows written so far, less those that events add by themselves, in one order and in today's form. */
function rowsOf(snapshot: SessionSnapshot): string[] {
  const rows =
    snapshot.version === 1
      ? toWire(fromWire(snapshot.balance))
      : balanceRows(decodeBalance(snapshot.balance, stateFromWire(snapshot.state, true).tallies));
  return rows.map((row) => JSON.stringify(row)).sort();
}

function comparable({ endReason: _unknowable, ...snapshot }: SessionSnapshot) {
  return { ...snapshot, balance: rowsOf(snapshot) };
}

const nothing = () => Promise.resolve(undefined);

/** The log, with what was in it when the history was recorded. */
function logOf(name: string): (subject: string) => Promise<string | undefined> {
  const records = recordsOf(name) ?? [];
  const entries = new Map(records.map(entryOf).map(({ subject, data }) => [subject, data]));
  return (subject) => Promise.resolve(entries.get(subject));
}

/** One that was excluded, included, and excluded again. */
const TURNED = 'excluded';
/** Those that were told to go by other definitions. */
const RESTATED = 'restated';
/** One that found a write of a run that Temporal had lost. */
const AFTER_LOST = 'lost-run';

describe('the history of a session that cannot be asked', () => {
  const names = HISTORY_NAMES.filter(
    (name) =>
      isOfSession(name) &&
      resultIn(eventsOf(name)) !== undefined &&
      ![TURNED, RESTATED, AFTER_LOST].some((one) => name.includes(one)),
  );

  it('is there to be compared with what sessions said themselves', () => {
    expect(names.length).to.be.above(10);
  });

  for (const name of names) {
    it(`says what the session itself said: ${name}`, async () => {
      const events = eventsOf(name);
      const said = resultIn(events) as SessionSnapshot;

      const read = throughJson(await snapshotFromEvents(events.slice(0, -1), logOf(name)));

      expect(comparable(read)).to.deep.equal(comparable(said));
    });
  }

  // What is known of it is what it has written: the next run turns again (docs/decisions/045).
  it('says that what an operator wanted of it is still to be done', async () => {
    const name = HISTORY_NAMES.find((one) => one.includes(TURNED)) ?? '';
    const events = eventsOf(name);
    const said = resultIn(events) as SessionSnapshot;

    const read = await snapshotFromEvents(events.slice(0, -1), logOf(name));

    expect(said.excluded).to.equal(true);
    expect([read.excluded, read.wants]).to.deep.equal([undefined, true]);
    expect([read.writeNo, read.state]).to.deep.equal([said.writeNo, said.state]);
  });

  it('says that it is still to go by the definitions that an operator wanted', async () => {
    const restated = HISTORY_NAMES.filter((one) => one.includes(RESTATED));
    expect(restated).to.have.length(2);
    for (const name of restated) {
      const events = eventsOf(name);
      const said = resultIn(events) as SessionSnapshot;

      const read = await snapshotFromEvents(events.slice(0, -1), logOf(name));

      expect(said.state.catalogue).to.equal(3);
      expect([read.state.catalogue, read.restated], name).to.deep.equal([undefined, 3]);
      expect([read.writeNo, read.state.events]).to.deep.equal([said.writeNo, said.state.events]);
    }
  });

  // The next run finds it under its number, as this one did, and takes it over.
  it('leaves the write of a run that is lost to be found again, and what was written behind it', async () => {
    const name = HISTORY_NAMES.find((one) => one.includes(AFTER_LOST)) ?? '';
    const events = eventsOf(name);
    const said = resultIn(events) as SessionSnapshot;

    const read = throughJson(await snapshotFromEvents(events.slice(0, -1), logOf(name)));

    expect([read.writeNo, said.writeNo]).to.deep.equal([1, 3]);
    expect(read.state).to.deep.equal(said.state);
    expect(read.unproven, 'what is owed by this run').to.have.length(1);
  });

  it('leaves the first write to be found again where no task of the run was done', async () => {
    const [started] = eventsOf('0.1.0-opened-one-batch.pb.gz');

    const snapshot = await snapshotFromEvents(started ? [started] : [], nothing);
    const { writeNo, state } = snapshot;

    expect([writeNo, state.events]).to.deep.equal([0, 3]);
    // What the events add by themselves is owed: nothing of it is known to be written.
    expect(rowsOf(snapshot).every((row) => /,"-[^"]*",-?\d+\]$/.test(row))).to.equal(true);
  });
});
