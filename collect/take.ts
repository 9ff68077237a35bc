/** The one way of all trackers' events: a session for those that have none, then JetStream; answered after that. */
import {
  beginsVisit,
  type Fault,
  fitted,
  isFault,
  type RawEvent,
  type Tracked,
  type TrackedEvent,
} from '../trackers/event.ts';
import { EVENT_BYTES_MAX } from '../shared/limits.ts';
import type { TrackerName } from '../trackers/visitor-name.ts';
import type { CheckQuota } from './check-quota.ts';
import { MESSAGE_EVENT_BYTES, type OutgoingEvent } from './messages.ts';
import { NotNowError, type Outlet } from './outlet.ts';
import { checkMade, MADE_BYTES_MAX } from './requests.ts';
import type { Say } from './say.ts';
import { visitorKey, type VisitorSessions } from './visitor-sessions.ts';
import { type CollectWatch, NO_COLLECT_WATCH } from './watch.ts';

/** Whose events these are. */
export interface Source {
  readonly project: string;
  readonly tracker: TrackerName;
  /** Epoch milliseconds, our clock. */
  readonly receivedAt: number;
  /**
   * The request has events of other projects as well: they are not refused for this one's quota, and sent once more, for
   * as long as the day lasts. What is over it ingest puts aside.
   */
  readonly isOneOfSeveral?: boolean | undefined;
  /** Visitors without any id: their hash of today, which is the `visitor` of their events, and yesterday's. */
  readonly anonymous?: ReadonlyMap<string, string | undefined> | undefined;
}

export interface Taken {
  readonly events: number;
  /** What could not be read: a sentence each. */
  readonly faults: readonly string[];
  /** Of the events in order, those that have one. */
  readonly sessions: readonly string[];
}

export interface TakeDeps {
  readonly outlet: Pick<Outlet, 'isFull' | 'send'>;
  readonly sessions: VisitorSessions;
  readonly say: Say;
  readonly watch?: CollectWatch;
  readonly checkQuota?: CheckQuota | undefined;
  /** As much as the events of a request may take, as they are published. */
  readonly madeBytesMax?: number;
}

const FAULTS = 'a tracker sent what cannot be read';

export type Take = (source: Source, tracked: Tracked) => Promise<Taken>;

/**
 * @returns takes what a request brought. It throws NotNowError where the same request should come again, BadRequestError
 *   where its events take too much
 */
export function createTake({
  outlet,
  sessions,
  say,
  watch = NO_COLLECT_WATCH,
  checkQuota = () => undefined,
  madeBytesMax = MADE_BYTES_MAX,
}: TakeDeps): Take {
  function checkRoom(): void {
    if (outlet.isFull) throw new NotNowError('full', 'too much is under way');
  }

  async function withSessions(
    source: Source,
    tracked: readonly TrackedEvent[],
  ): Promise<readonly RawEvent[]> {
    const byVisitor = new Map<string, number[]>();
    for (const [index, { event, visitor }] of tracked.entries()) {
      if (visitor === undefined || event['sessionId'] !== undefined) continue;
      const places = byVisitor.get(visitor);
      if (places === undefined) byVisitor.set(visitor, [index]);
      else places.push(index);
    }
    const events: (RawEvent | undefined)[] = tracked.map(({ event }) => fitted(event));
    await Promise.all(
      Array.from(byVisitor, async ([visitor, places]) => {
        const { project, tracker, receivedAt: now, anonymous } = source;
        const isAnonymous = anonymous?.has(visitor) === true;
        const yesterday = anonymous?.get(visitor);
        const found = await sessions.sessionsOf({
          visitor: visitorKey(project, tracker, visitor),
          before: yesterday === undefined ? undefined : visitorKey(project, tracker, yesterday),
          events: places.map((index) => ({
            id: idOf(events[index]),
            begins: beginsVisit(events[index] ?? {}),
          })),
          now,
        });
        for (const [n, index] of places.entries()) {
          const session = found[n];
          events[index] = session && {
            ...events[index],
            sessionId: session.id,
            ...(isAnonymous && { visitorId: session.isBefore ? yesterday : visitor }),
          };
        }
      }),
    ).catch((error: unknown) => {
      throw new NotNowError('redis', 'Redis does not answer', { cause: error });
    });
    return events.filter((event) => event !== undefined);
  }

  return async (source, tracked) => {
    const faults = tracked.flatMap((one) => (isFault(one) ? [one.fault] : []));
    if (faults.length > 0) {
      const { project, tracker } = source;
      // A sentence names a field, and at most a type or a kind that was not known.
      say(FAULTS, { project, tracker }, faults.length, { first: faults[0] });
      watch.refused(tracker, 'malformed', faults.length);
    }
    const good = tracked.filter((one): one is Exclude<typeof one, Fault> => !isFault(one));
    if (good.length === 0) return { events: 0, faults, sessions: [] };
    if (source.isOneOfSeveral !== true) checkQuota(source.project);
    checkRoom();
    const events = await withSessions(source, good);
    if (events.length === 0) return { events: 0, faults, sessions: [] };
    // Others may have come while Redis was asked: nothing is made in vain.
    checkRoom();
    const outgoing = outgoingOf(events, madeBytesMax);
    await outlet.send(source.project, outgoing);
    watch.taken(source.tracker, events.length);
    const ids = events.flatMap(({ sessionId }) =>
      typeof sessionId === 'string' ? [sessionId] : [],
    );
    return { events: events.length, faults, sessions: ids };
  };
}

/**
 * Nothing is made beyond the bound: a value that stands once in a request can be in each of its events.
 * @throws BadRequestError 413
 */
function outgoingOf(events: readonly RawEvent[], bytesMax: number): readonly OutgoingEvent[] {
  let bytes = 0;
  return events.map((event) => {
    const text = JSON.stringify(event);
    const json = Buffer.from(text);
    bytes += json.length;
    checkMade(bytes, bytesMax);
    return json.length <= MESSAGE_EVENT_BYTES
      ? { json, eventType: event['eventType'] }
      : shortened(event, text);
  });
}

/** More than a whole event may have, so that ingest puts it aside for its size, whatever letters these are. */
const KEPT_CHARS = EVENT_BYTES_MAX + 1;
/** No field by which a person or a session is found is longer. */
const KEPT_FIELD_CHARS = 256;

/**
 * What is larger than one event may be is published all the same, for ingest to make a dead letter of it; but of what
 * NATS would not take only the beginning, as a text, beside the ids by which the letter can be found.
 */
function shortened(event: RawEvent, text: string): OutgoingEvent {
  const { eventType } = event;
  const short = Object.entries(event).filter(([, value]) => isShort(value));
  const rest = { ...Object.fromEntries(short), tooLarge: text.slice(0, KEPT_CHARS) };
  return { json: Buffer.from(JSON.stringify(rest)), eventType };
}

function isShort(value: unknown): boolean {
  return (
    typeof value === 'number' || (typeof value === 'string' && value.length <= KEPT_FIELD_CHARS)
  );
}

function idOf(event: RawEvent | undefined): string | undefined {
  const id = event?.['eventId'];
  return typeof id === 'string' ? id : undefined;
}
