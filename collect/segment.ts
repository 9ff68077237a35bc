/**
 * Segment's and RudderStack's Tracking API, which are one but for their answers. Browsers send text/plain with the key
 * in the body; servers have it as the user of a login.
 *
 * Segment says 200 to whatever can be read, also where it does not know the key; RudderStack says what is wrong.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { contextAsRead, readSegment } from '../trackers/segment.ts';
import type { Tracked } from '../trackers/event.ts';
import {
  fieldsOf,
  type Fields,
  firstId,
  firstText,
  isFields,
  textOf,
  timeOf,
} from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import {
  authorizedAs,
  BadRequestError,
  bodyOf,
  checkMade,
  elementsOf,
  jsonOf,
  parameterOf,
} from './requests.ts';

/** The last part of an address, and what kind of call that is; the letters are those of Segment's script. */
const CALLS: Readonly<Record<string, string>> = {
  track: 'track',
  page: 'page',
  screen: 'screen',
  identify: 'identify',
  group: 'group',
  alias: 'alias',
  merge: 'merge',
  t: 'track',
  p: 'page',
  s: 'screen',
  i: 'identify',
  g: 'group',
  a: 'alias',
};

export function addSegment(app: FastifyInstance, deps: CollectDeps): void {
  for (const path of ['/v1/batch', '/v1/b', '/v1/import', '/beacon/v1/batch']) {
    app.post(path, (request, reply) => take(deps, request, reply, undefined));
  }
  for (const [name, type] of Object.entries(CALLS)) {
    app.post(`/v1/${name}`, (request, reply) => take(deps, request, reply, type));
  }
  // What Segment's script asks its CDN for before it sends anything; `cdnURL` may point here.
  app.get<{ Params: { key: string } }>('/v1/projects/:key/settings', (request) => ({
    integrations: { 'Segment.io': { apiKey: request.params.key } },
  }));
  // The same of RudderStack's, which does not start without it; its `configUrl` may point here.
  for (const path of ['/sourceConfig', '/sourceConfig/']) {
    app.get(path, (request) => {
      const key = authorizedAs(request) ?? parameterOf(request, 'writeKey') ?? '';
      return {
        source: { id: key, name: key, writeKey: key, enabled: true, config: {}, destinations: [] },
      };
    });
  }
}

async function take(
  deps: CollectDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  type: string | undefined,
): Promise<FastifyReply> {
  const receivedAt = deps.now();
  const body = jsonOf(bodyOf(request));
  if (!isFields(body)) throw new BadRequestError('the body must be a JSON object');
  const calls = callsOf(body, type);
  const isRudder = isFromRudder(request, calls);
  const project = projectOf(deps, request, body);
  if (project === undefined) {
    deps.watch.refused('segment', 'key');
    deps.say('a write key is of no project', { tracker: isRudder ? 'rudderstack' : 'segment' });
    return isRudder
      ? reply.code(401).type('text/plain').send('invalid write key')
      : reply.send({ success: true });
  }
  const received = { sentAt: timeOf(body['sentAt']), receivedAt };
  const tracked: Tracked = calls.flatMap((call) => readSegment(call, received));
  // Segment's visitors are also RudderStack's: a site that changes from one to the other loses no visit.
  const { events, faults } = await deps.take({ project, tracker: 'segment', receivedAt }, tracked);
  if (!isRudder) return reply.send({ success: true });
  return events === 0 && faults[0] !== undefined
    ? reply.code(400).type('text/plain').send(faults[0])
    : reply.type('text/plain').send('ok');
}

/** By the first key that a project has: a server with OAuth has a token in the header, and its key in the body. */
function projectOf(
  { keys }: CollectDeps,
  request: FastifyRequest,
  body: Fields,
): string | undefined {
  return (
    keys.projectOf(authorizedAs(request)) ??
    keys.projectOf(textOf(body['writeKey'])) ??
    keys.projectOf(parameterOf(request, 'writeKey'))
  );
}

/** @throws BadRequestError where a batch has none, 413 where an id that all have is so long that it takes too much */
function callsOf(body: Fields, type: string | undefined): readonly unknown[] {
  if (type !== undefined) return [{ ...body, type }];
  const { batch, context } = body;
  const calls = elementsOf(batch, 'batch must be an array');
  // What all calls of a batch have in common may stand beside it.
  if (!isFields(context)) return calls;
  const common = contextAsRead(context);
  const session = firstId(common['sessionId'], common['session_id']) ?? '';
  checkMade(calls.length * session.length);
  return calls.map((call) =>
    isFields(call) ? { ...call, context: { ...common, ...fieldsOf(call['context']) } } : call,
  );
}

/** Its libraries say so of themselves. */
function isFromRudder(request: FastifyRequest, calls: readonly unknown[]): boolean {
  if (request.url.startsWith('/beacon/') || request.headers['anonymousid'] !== undefined) {
    return true;
  }
  const library = fieldsOf(fieldsOf(fieldsOf(calls[0])['context'])['library']);
  return /rudder/i.test(firstText(library['name'], request.headers['user-agent']) ?? '');
}
