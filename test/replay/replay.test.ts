/** Sessions that run when a new version is deployed go on under it: old histories replay. */
import { readFileSync } from 'node:fs';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { expect } from 'chai';
import { toError } from '../../shared/errors.ts';
import { isSameWrite } from '../../shared/write.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';
import { HISTORY_NAMES, type History, historyNamed, recordsOf } from '../support/histories.ts';
import { replay, replayAll, type Replayed } from '../support/replay.ts';

type Events = NonNullable<History['events']>;

/** Events with the ids that the first ones of the history have: 1, 2, 3 and so on. */
function renumbered(events: Events, all: Events): Events {
  return events.map((event, index) => ({ ...event, eventId: all[index]?.eventId ?? null }));
}

describe('recorded histories', () => {
  const names = HISTORY_NAMES;
  let replayed: ReadonlyMap<string, Replayed>;

  before('replay them all', async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    replayed = await replayAll(new Map(names.map((name) => [name, historyNamed(name)])));
  });

  it('exist for every way a session, a loader and an import can go', () => {
    for (const scenario of [
      'one-batch',
      'idle-with-checkpoints',
      'reopened',
      'ended-by-operator',
      'cancelled',
      'written-without-redis',
      'continued-as-new',
      'stray-signals',
      'log-asked',
      'log-away',
      'others-record',
      'reopened-after-a-lost-run',
      'large',
      'excluded',
      'asked-by',
      'traced',
      'traced-reopened',
      'restated',
      'restated-reopened',
      'restate-of-many',
      'loader',
      'loader-that-purges',
      'import',
      'import-taken-back',
      'import-held-and-undone',
    ]) {
      expect(names.filter((name) => name.endsWith(`-${scenario}.pb.gz`))).not.to.be.empty;
    }
  });

  for (const name of names) {
    it(`replays ${name}`, () => {
      const { error, records: again } = replayed.get(name) ?? expect.fail('it was not replayed');
      if (error !== undefined) throw toError(error);

      // What went along with its tasks is in no history: the catalogue and the fold of then have to give it again.
      const written = recordsOf(name);
      if (written === undefined) return;
      // A run that was reopened proves itself by an activity.
      if (!name.includes('reopened')) expect(again).to.not.be.empty;
      // A signal that comes while a run is closed has its last task done again: the same record, decided on later.
      const closesAgain = name.includes('continued-as-new');
      for (const record of again) {
        const before = written.find(({ writeNo }) => writeNo === record.writeNo);
        if (closesAgain) expect(before && isSameWrite(record, before)).to.equal(true);
        else expect(record).to.deep.equal(before);
      }
    });
  }

  it('would not replay with a command that is not theirs', async () => {
    const name = '0.1.0-one-batch.pb.gz';
    const history = historyNamed(name);
    // As if the workflow of old had not written before it ended.
    const all = history.events ?? [];
    const events = all.filter((event) => !event.markerRecordedEventAttributes);

    const changed = replay({
      ...history,
      events: renumbered(events, all),
    });

    expect(
      await changed.then(
        () => 'replayed',
        () => 'refused',
      ),
    ).to.equal('refused');
  });

  it('come from workflow code that holds no schema, log or client library', async () => {
    const bundle = await workflowBundle();
    const code = readFileSync('codePath' in bundle ? bundle.codePath : '', 'utf8');

    for (const word of [
      'node_modules/zod',
      'node_modules/pino',
      'node_modules/@nats-io',
      'platform/',
    ]) {
      expect(code).not.to.contain(word);
    }
  });
});
