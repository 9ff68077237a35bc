/**
 * Sessions for trackers that have none: 30 minutes without an event of the visitor end one, by the clock of arrival.
 * They are kept in Redis, so that any number of processes agree; one script looks and writes at once.
 *
 * An event that names itself by an id keeps its session: the same request again, hours later too, gets the same
 * answer and does not make the session longer. For that a visitor's ids are remembered for a day after the last event,
 * the last thousand of them at least.
 */
import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface VisitorSessions {
  /**
   * The session of each event.
   * @param visitor a key that nobody can be known by
   * @param eventIds in order; undefined where an event has none
   * @param isOnlyAlive true: undefined where the visitor has no session now, and none begins
   * @throws what the client throws
   */
  sessionsOf(
    visitor: string,
    eventIds: readonly (string | undefined)[],
    now: number,
    isOnlyAlive?: boolean,
  ): Promise<readonly string[] | undefined>;
}

export interface VisitorSessionsOptions {
  readonly idleMs: number;
  /** How long ids are remembered after the last event. */
  readonly keepMs?: number;
}

const KEEP_MS = 24 * 60 * 60 * 1_000;
const IDS_MAX = 2_000;
/** Redis does nothing else while a script runs. */
const IDS_AT_A_TIME = 500;

/** Fields `s` and `l`: when the session began, and its last new event; others: a hash of an event's id, and when its session began. */
const SCRIPT = `
local now, idle, keep = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local onlyAlive, idsMax = ARGV[4] == '1', tonumber(ARGV[5])
local state = redis.call('HMGET', KEYS[1], 's', 'l')
local start, last = state[1], tonumber(state[2] or '0')
local alive = start and now - last < idle
local out, touched, named = {}, false, false
for n = 6, #ARGV do
  local id = ARGV[n]
  local known = id ~= '' and redis.call('HGET', KEYS[1], id)
  if known then
    out[#out + 1] = known
  else
    if not alive then
      if onlyAlive then return false end
      start, alive = ARGV[1], true
    end
    out[#out + 1] = start
    touched = true
    if id ~= '' then
      redis.call('HSET', KEYS[1], id, start)
      named = true
    end
  end
end
if touched then
  if now > last then last = now end
  redis.call('HSET', KEYS[1], 's', start, 'l', string.format('%d', last))
  if named and redis.call('HLEN', KEYS[1]) > idsMax then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 's', start, 'l', string.format('%d', last))
    for n = 6, #ARGV do
      if ARGV[n] ~= '' then redis.call('HSET', KEYS[1], ARGV[n], out[n - 5]) end
    end
  end
  redis.call('PEXPIRE', KEYS[1], named and keep or math.max(idle, redis.call('PTTL', KEYS[1])))
end
return out
`;

type Script = (
  key: string,
  ...args: readonly (string | number)[]
) => Promise<readonly string[] | null>;

export function createVisitorSessions(
  redis: Redis,
  { idleMs, keepMs = KEEP_MS }: VisitorSessionsOptions,
): VisitorSessions {
  redis.defineCommand('visitorSession', { numberOfKeys: 1, lua: SCRIPT });
  const { visitorSession } = redis as unknown as { readonly visitorSession: Script };
  const run = visitorSession.bind(redis);
  return {
    async sessionsOf(visitor, eventIds, now, isOnlyAlive = false) {
      const ids = eventIds.map((id) => (id === undefined ? '' : shortHash(id)));
      const sessions: string[] = [];
      for (let from = 0; from < ids.length; from += IDS_AT_A_TIME) {
        const starts = await run(
          `collect:visitor:${visitor}`,
          ...[now, idleMs, Math.max(keepMs, idleMs), isOnlyAlive ? 1 : 0, IDS_MAX],
          ...ids.slice(from, from + IDS_AT_A_TIME),
        );
        if (starts === null) return undefined;
        sessions.push(...starts.map((start) => sessionIdOf(visitor, start)));
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
export function visitorKey(project: string, tracker: string, visitor: string): string {
  return hash('sha256', `${project}\n${tracker}\n${visitor}`, 'base64url').slice(0, 22);
}
