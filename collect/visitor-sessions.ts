/**
 * Sessions for trackers that have none: 30 minutes without an event of the visitor end one, by the clock of arrival.
 * They are kept in Redis, so that any number of processes agree; one script looks and writes at once.
 *
 * An event that names itself by an id keeps its session: the same request again, hours later too, gets the same
 * answer and does not make the session longer. For that a visitor's ids are remembered for a day after the last event,
 * the last thousand of them at least: past a thousand the key becomes the older of two, and what was the older one goes.
 *
 * A visitor who is known by a hash of the day has two names on the day after: that of today and that of yesterday. Both
 * are looked at together. An event that was taken under yesterday's name is the same one whatever has begun under
 * today's since, and a session under yesterday's goes on for as long as it lives.
 */
import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { onMaster } from '../platform/redis.ts';
import { type TrackerName, TRACKERS, visitorNamesOf } from '../trackers/visitor-name.ts';

/** Events of one visitor, in the order they came. */
export interface VisitorEvents {
  /** A key that nobody can be known by. */
  readonly visitor: string;
  /** The key that the same visitor had yesterday, where it is another one. */
  readonly before?: string | undefined;
  readonly events: readonly VisitorEvent[];
  /** When they arrived, epoch milliseconds. */
  readonly now: number;
}

export interface VisitorEvent {
  /** Undefined where it has none. */
  readonly id: string | undefined;
  /** Whether a visitor without a session begins one by it. */
  readonly begins: boolean;
}

export interface VisitorSession {
  readonly id: string;
  /** It is one of the visitor under yesterday's key. */
  readonly isBefore: boolean;
}

export interface VisitorSessions {
  /**
   * The session of each event; undefined where the visitor has none then, and none begins by it.
   * @throws what the client throws
   */
  sessionsOf(events: VisitorEvents): Promise<readonly (VisitorSession | undefined)[]>;
}

export interface VisitorSessionsOptions {
  readonly idleMs: number;
  /** How long ids are remembered after the last event. */
  readonly keepMs?: number;
}

const KEEP_MS = 24 * 60 * 60 * 1_000;
/** In the younger of a visitor's two keys, before it becomes the older one. */
const IDS_MAX = 1_000;
/** Redis does nothing else while a script runs. */
const IDS_AT_A_TIME = 500;

/**
 * Keys: the visitor's of today, and of yesterday where that is another one; then the older ones of these. Fields `s` and
 * `l`: when the session began, and its last new event (of an older key they say nothing any more); others: a hash of an
 * event's id, and when its session began, or `-` where it came before one, in the same request. An event is `1` where it begins
 * a session, else `0`, and its id. Before them stand the ids of the same request that came before a session in runs before
 * this one. The answer has for each event the number of the key and when the session began, nothing where there is none;
 * and last `1` where there is a session now, and what came before it is noted.
 */
const SCRIPT = `
local now, idle, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local idsMax, earlier = tonumber(ARGV[4]), tonumber(ARGV[5])
local visitors = #KEYS / 2
local at, start, last = 0, nil, 0
for k = visitors, 1, -1 do
  local state = redis.call('HMGET', KEYS[k], 's', 'l')
  local lastOfKey = tonumber(state[2] or '0')
  if state[1] and now - lastOfKey < idle then at, start, last = k, state[1], lastOfKey end
end
local out, early, isNew, isTouched = {}, {}, false, false
for n = 6, 5 + earlier do early[#early + 1] = ARGV[n] end
local function sessionOf(begins, id)
  if id ~= '' then
    for k = 1, visitors do
      local known = redis.call('HGET', KEYS[k], id) or redis.call('HGET', KEYS[visitors + k], id)
      if known == '-' then return '' end
      if known then return k .. known end
    end
  end
  if at == 0 then
    if not begins then
      if id ~= '' then early[#early + 1] = id end
      return ''
    end
    at, start = 1, ARGV[1]
  end
  isTouched = true
  if id ~= '' then
    redis.call('HSET', KEYS[at], id, start)
    isNew = true
  end
  return at .. start
end
for n = 6 + earlier, #ARGV do out[#out + 1] = sessionOf(ARGV[n]:sub(1, 1) == '1', ARGV[n]:sub(2)) end
if isTouched then
  local key, older = KEYS[at], KEYS[visitors + at]
  for _, id in ipairs(early) do redis.call('HSETNX', key, id, '-') end
  if now > last then last = now end
  local left = (isNew or #early > 0) and keep or math.max(idle, redis.call('PTTL', key))
  redis.call('HSET', key, 's', start, 'l', string.format('%d', last))
  if redis.call('HLEN', key) >= idsMax + 2 then
    redis.call('RENAME', key, older)
    redis.call('HSET', key, 's', start, 'l', string.format('%d', last))
  end
  redis.call('PEXPIRE', key, left)
  redis.call('PEXPIRE', older, left)
end
out[#out + 1] = isTouched and '1' or ''
return out
`;

type Script = (keys: number, ...args: readonly (string | number)[]) => Promise<readonly string[]>;

export function createVisitorSessions(
  redis: Redis,
  { idleMs, keepMs = KEEP_MS }: VisitorSessionsOptions,
): VisitorSessions {
  redis.defineCommand('visitorSession', { lua: SCRIPT });
  const { visitorSession } = redis as unknown as { readonly visitorSession: Script };
  const run = visitorSession.bind(redis);
  return {
    async sessionsOf({ visitor, before, events, now }) {
      const visitors = before === undefined ? [visitor] : [visitor, before];
      const keys = [...visitors.map(sessionKey), ...visitors.map(olderSessionKey)];
      const words = events.map(
        ({ id, begins }) => `${begins ? 1 : 0}${id === undefined ? '' : shortHash(id)}`,
      );
      const sessions: (VisitorSession | undefined)[] = [];
      let early: readonly string[] = [];
      for (let from = 0; from < words.length; from += IDS_AT_A_TIME) {
        const piece = words.slice(from, from + IDS_AT_A_TIME);
        const found = await onMaster(redis, () =>
          run(
            keys.length,
            ...keys,
            ...[now, idleMs, Math.max(keepMs, idleMs), IDS_MAX],
            ...[early.length, ...early, ...piece],
          ),
        );
        const without: string[] = [];
        for (const [n, word] of piece.entries()) {
          const one = found[n] ?? '';
          const owner = visitors[Number(one[0]) - 1];
          if (owner === undefined && word.length > 1) without.push(word.slice(1));
          sessions.push(
            owner === undefined
              ? undefined
              : { id: sessionIdOf(owner, one.slice(1)), isBefore: owner === before },
          );
        }
        early = found.at(-1) === '1' ? [] : [...early, ...without].slice(-IDS_MAX);
      }
      return sessions;
    },
  };
}

function sessionIdOf(visitor: string, start: string): string {
  return hash('sha256', `${visitor} ${start}`, 'base64url').slice(0, 22);
}

/** Twelve characters: of a visitor's thousands of ids two are never alike. */
function shortHash(id: string): string {
  return hash('sha256', id, 'base64url').slice(0, 12);
}

/** A visitor of one tracker in one project, as a key that is no longer than it has to be and names nobody. */
export function visitorKey(project: string, tracker: TrackerName, visitor: string): string {
  return hash('sha256', `${project}\n${tracker}\n${visitor}`, 'base64url').slice(0, 22);
}

/** What Redis has of a visitor lies under this. @param key see {@link visitorKey} */
export function sessionKey(key: string): string {
  return `collect:visitor:${key}`;
}

function olderSessionKey(key: string): string {
  return `${sessionKey(key)}:old`;
}

/** All keys that somebody with this id may have sessions under, whichever tracker of the project gave them. */
export function sessionKeysOf(project: string, id: string): readonly string[] {
  const names = visitorNamesOf(id);
  return TRACKERS.flatMap((tracker) =>
    names.flatMap((name) => {
      const key = visitorKey(project, tracker, name);
      return [sessionKey(key), olderSessionKey(key)];
    }),
  );
}
