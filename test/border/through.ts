/**
 * Generated messages through a running system on real servers: what EVENTS has taken is read back, so that the naive
 * reading knows when each was received, and compared with what ClickHouse counts and DEADLETTERS keeps.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { readRange } from '../../platform/stream-range.ts';
import { DEADLETTERS_STREAM, EVENTS_STREAM } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import { startPrivateServers } from '../support/servers.ts';
import { generateMessage } from './generate.ts';
import { expectedOf, type NaiveMessage } from './naive-border.ts';

export interface ThroughOptions {
  readonly messages: number;
  readonly seed: number;
  readonly progress: (published: number) => void;
}

export interface ThroughFigures {
  published: number;
  /** By EVENTS itself, with an error to the producer. */
  refused: number;
  expectedEvents: number;
  events: number;
  expectedLetters: number;
  letters: number;
  readonly complaints: string[];
}

const SETTLED_MS = 120_000;

export async function throughSystem(options: ThroughOptions): Promise<ThroughFigures> {
  const servers = await startPrivateServers();
  try {
    const pipeline = await startPipelineProcess(servers);
    const around = await connectAround(servers);
    try {
      const { sent, refused } = await publishAll(around, options);
      const { stderr } = await sojourn(
        ['status', '--wait', '--timeout', '100s'],
        environmentOf(servers),
      );
      const found = await compareAll(around, sent);
      if (found.events !== found.expectedEvents) found.complaints.push(`status: ${stderr}`);
      return { ...found, refused };
    } finally {
      await around.close();
      await pipeline.stop();
    }
  } finally {
    await servers.stop();
  }
}

async function publishAll(around: Around, { messages, seed, progress }: ThroughOptions) {
  const random = randomOf(seed);
  const sent = new Map<number, NaiveMessage>();
  let refused = 0;
  for (let n = 1; n <= messages; n += 1) {
    const message = generateMessage(random, n);
    if (!isPublishable(message.subject)) continue;
    const head = headersOf(message);
    try {
      const { seq } = await around.js.publish(message.subject, message.data, { headers: head });
      sent.set(seq, message);
    } catch (error) {
      if (!String(error).includes('exceeds')) throw error;
      refused += 1;
    }
    if (n % 50 === 0) progress(n);
  }
  return { sent, refused };
}

/** Others never reach a server. */
function isPublishable(subject: string): boolean {
  return /^events(?:\.[^\s.*>]+)+$/.test(subject);
}

function headersOf({ headers: given }: NaiveMessage): MsgHdrs {
  const head = headers();
  const values = (head as unknown as { readonly headers: Map<string, string[]> }).headers;
  if (given === 'broken') values.set('Bad Näme', ['x']);
  // A value with a line break in it would be more than one header.
  else
    for (const [name, value] of Object.entries(given))
      if (!/[\r\n]/.test(value)) values.set(name, [value]);
  return head;
}

async function compareAll(
  around: Around,
  sent: ReadonlyMap<number, NaiveMessage>,
): Promise<Omit<ThroughFigures, 'refused'>> {
  const events = new Set<string>();
  const letters = new Map<string, Buffer>();
  let published = 0;
  for await (const { seq, timestamp } of readStream(around, EVENTS_STREAM)) {
    const message = sent.get(seq);
    if (message === undefined) throw new Error(`EVENTS holds ${seq}, which nobody published`);
    published += 1;
    const known = asPublished({
      ...message,
      seq,
      receivedAt: Date.parse(timestamp),
      placesSince: 0,
    });
    const expected = expectedOf(known);
    for (const { sessionId, fields } of expected.events) {
      events.add(JSON.stringify([message.subject.split('.')[1], sessionId, fields['id']]));
    }
    for (const { data, index } of expected.letters) letters.set(`${seq}#${index ?? ''}`, data);
  }
  const counted = await eventually(
    async () => {
      const count = await countEvents(around);
      if (count !== events.size) throw new Error(`${count} of ${events.size} events`);
      return count;
    },
    { withinMs: SETTLED_MS, everyMs: 1_000 },
  ).catch(() => countEvents(around));
  const complaints = counted === events.size ? [] : [`${counted} events instead of ${events.size}`];
  const kept = await compareLetters(around, letters, complaints);
  return {
    published,
    expectedEvents: events.size,
    events: counted,
    expectedLetters: letters.size,
    letters: kept,
    complaints,
  };
}

function asPublished(message: NaiveMessage): NaiveMessage {
  if (message.headers === 'broken') return message;
  const plain = Object.entries(message.headers).filter(([, value]) => !/[\r\n]/.test(value));
  return { ...message, headers: Object.fromEntries(plain) };
}

async function countEvents(around: Around): Promise<number> {
  const [row] = await around.select<{ count: string }>(
    `SELECT toString(sum(metrics.count)) AS count FROM sojourn.metrics
     WHERE granularity = 'hour' AND (metric_type, dimension) IN (('page_views', ''), ('event_count', 'event_type'))`,
  );
  return Number(row?.count ?? 0);
}

async function compareLetters(
  around: Around,
  expected: ReadonlyMap<string, Buffer>,
  complaints: string[],
): Promise<number> {
  const missing = new Map(expected);
  let kept = 0;
  for await (const { headers: head, data } of readStream(around, DEADLETTERS_STREAM)) {
    kept += 1;
    const seq = head?.get('Sojourn-Sequence') ?? '';
    const key = [...missing].find(
      ([name, bytes]) => name.startsWith(`${seq}#`) && bytes.equals(data),
    )?.[0];
    if (key === undefined) complaints.push(`a dead letter of ${seq} that was not expected`);
    else missing.delete(key);
  }
  for (const name of missing.keys()) complaints.push(`no dead letter for ${name}`);
  return kept;
}

async function* readStream({ nc, js }: Around, stream: string) {
  const { state } = await (await jetstreamManager(nc)).streams.info(stream);
  if (state.messages === 0) return;
  yield* readRange(js, { stream, subject: undefined, from: state.first_seq, to: state.last_seq });
}
