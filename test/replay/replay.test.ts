/** Sessions that run when a new version is deployed go on under it: old histories replay. */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import proto from '@temporalio/proto';
import { expect } from 'chai';
import { toError } from '../../shared/errors.ts';
import type { Rollup } from '../../shared/rollup.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';
import { replay, replayAll, type Replayed } from '../support/replay.ts';

const HISTORIES = new URL('histories/', import.meta.url);

type History = proto.temporal.api.history.v1.IHistory;
type Events = NonNullable<History['events']>;

function read(name: string): History {
  const bytes = gunzipSync(readFileSync(new URL(name, HISTORIES)));
  return proto.temporal.api.history.v1.History.decode(bytes);
}

/** What the run wrote, whichever way. */
function recordsOf(name: string): readonly Rollup[] {
  const file = new URL(name.replace('.pb.gz', '.records.json.gz'), HISTORIES);
  return JSON.parse(gunzipSync(readFileSync(file)).toString()) as Rollup[];
}

/** Events with the ids that the first ones of the history have: 1, 2, 3 and so on. */
function renumbered(events: Events, all: Events): Events {
  return events.map((event, index) => ({ ...event, eventId: all[index]?.eventId ?? null }));
}

describe('recorded histories', () => {
  const names = readdirSync(HISTORIES).filter((name) => name.endsWith('.pb.gz'));
  let replayed: ReadonlyMap<string, Replayed>;

  before('replay them all', async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    replayed = await replayAll(new Map(names.map((name) => [name, read(name)])));
  });

  it('exist for every way a session and a loader can go', () => {
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
      'large',
      'loader',
    ]) {
      expect(names.filter((name) => name.endsWith(`-${scenario}.pb.gz`))).not.to.be.empty;
    }
  });

  for (const name of names) {
    it(`replays ${name}`, () => {
      const { error, records: again } = replayed.get(name) ?? expect.fail('it was not replayed');
      if (error !== undefined) throw toError(error);

      if (!name.startsWith('0.1.0-riding-')) return;
      // What went along with its tasks is in no history: the catalogue and the fold of then have to give it again.
      const written = recordsOf(name);
      // A run that was reopened proves itself by an activity.
      if (!name.includes('reopened')) expect(again).to.not.be.empty;
      for (const record of again) {
        expect(record).to.deep.equal(written.find(({ writeNo }) => writeNo === record.writeNo));
      }
    });
  }

  it('would not replay with a command that is not theirs', async () => {
    const name = '0.1.0-one-batch.pb.gz';
    const history = read(name);
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
