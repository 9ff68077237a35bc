import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiError, type PubAck } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { expect } from 'chai';
import { publishSources } from '../../operations/publish-files.ts';
import { findSource } from '../../operations/read-lines.ts';
import type { Nats } from '../../platform/nats.ts';

const ACK = { stream: 'EVENTS', seq: 1, duplicate: false } as unknown as PubAck;
/** What EVENTS takes: half of what its server does. */
const TAKEN_BYTES_MAX = 1_000;

/** JetStream whose stream refuses what is larger, with the error that the test says. */
function aJetStream(refusal = () => new Error('too large')) {
  const js = {
    publish: (_subject: string, { length }: Uint8Array) =>
      length > TAKEN_BYTES_MAX ? Promise.reject(refusal()) : Promise.resolve(ACK),
  };
  const connection = {
    info: { max_payload: 2 * TAKEN_BYTES_MAX },
    async *status() {
      await new Promise(() => undefined);
      yield { type: 'close' };
    },
  };
  const jsm = { streams: { info: () => Promise.resolve({}) } };
  return { js, jsm, connection } as unknown as Nats;
}

describe('publishing a file', () => {
  let folder = '';

  before('make a folder', () => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-publish-'));
  });

  after('remove it', () => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function publish(nats: Nats, lines: readonly string[]) {
    const path = join(folder, 'lines.ndjson');
    writeFileSync(path, lines.join('\n'));
    const refused: string[] = [];
    const { figures, failure } = await publishSources(nats, [findSource(path)], {
      project: 'shop',
      signal: new AbortController().signal,
      onRead: () => undefined,
      onRefused: (where, why) => refused.push(`${where.slice(folder.length + 1)}: ${why}`),
      onDeadLetter: () => undefined,
    });
    return { figures, failure, refused };
  }

  const line = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));

  const refusals: readonly (readonly [string, () => Error])[] = [
    [
      'the stream',
      () =>
        new JetStreamApiError({
          code: 400,
          err_code: 10_054,
          description: 'message size exceeds maximum allowed',
        }),
    ],
    [
      'a server that takes less than it said at first',
      () => errors.InvalidArgumentError.format('payload', 'max_payload size exceeded'),
    ],
  ];
  for (const [who, refusal] of refusals) {
    it(`goes on after a line that is too large for ${who}`, async () => {
      const lines = [10, 1_500, 10, 1_600, 10].map(line);

      const { figures, failure, refused } = await publish(aJetStream(refusal), lines);

      expect(figures).to.include({ messages: 5, acknowledged: 3, failed: 2 });
      expect(refused).to.deep.equal([
        'lines.ndjson:2: the line has 1,500 bytes, more than the stream EVENTS takes in a message',
        'lines.ndjson:4: the line has 1,600 bytes, more than the stream EVENTS takes in a message',
      ]);
      expect(failure).to.include({
        code: 'SJ_EVENT_INVALID',
        message: '2 of 5 lines were not published',
      });
    });
  }

  it('calls no line a dead letter that was not taken', async () => {
    const refusal = () =>
      errors.InvalidArgumentError.format('payload', 'max_payload size exceeded');
    const lines = ['no JSON', 'x'.repeat(1_500)];

    const { figures } = await publish(aJetStream(refusal), lines);

    expect(figures).to.include({ messages: 2, acknowledged: 1, failed: 1, notJson: 1 });
  });

  it('waits at a slow rate, and no longer than it is wanted', async () => {
    const path = join(folder, 'slow.ndjson');
    writeFileSync(path, '1\n2\n3');
    const stop = new AbortController();
    const began = performance.now();

    const publishing = publishSources(aJetStream(), [findSource(path)], {
      project: 'shop',
      // A line in 32 years.
      rate: 1e-9,
      signal: stop.signal,
      onRead: () => undefined,
      onRefused: () => undefined,
      onDeadLetter: () => undefined,
    });
    setTimeout(() => {
      stop.abort();
    }, 100);
    const { figures } = await publishing;

    expect(figures.acknowledged).to.equal(1);
    expect(performance.now() - began).to.be.within(90, 5_000);
  });

  it('ends with what is not about a line', async () => {
    const closed = () => new errors.ClosedConnectionError();

    const { figures, failure, refused } = await publish(aJetStream(closed), [line(1_500)]);

    expect(figures).to.include({ messages: 1, acknowledged: 0, failed: 1 });
    expect(refused).to.deep.equal([]);
    expect(failure).to.include({ code: 'SJ_SERVER_UNREACHABLE' });
  });
});
