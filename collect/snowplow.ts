/**
 * Snowplow's collector: events by POST with an array, or by GET of a picture. There is no key; the app id (`aid`) tells
 * the project. The collector takes whatever comes, so what is of no project is told nobody but our log.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Tracked } from '../trackers/event.ts';
import { isAnonymous, readSnowplow } from '../trackers/snowplow.ts';
import { fieldsOf, textOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import { grouped } from './grouped.ts';
import { sendPixel } from './pixel.ts';
import { type Agent, agentOf, agentOfRequest, bodyOf, elementsOf, jsonOf } from './requests.ts';

export function addSnowplow(app: FastifyInstance, deps: CollectDeps): void {
  app.post('/com.snowplowanalytics.snowplow/:version', async (request, reply) => {
    const { data } = fieldsOf(jsonOf(bodyOf(request)));
    await take(deps, request, elementsOf(data, 'data must be an array'));
    return reply.type('text/plain').send('ok');
  });
  for (const path of ['/i', '/ice.png', '/com.snowplowanalytics.snowplow/:version']) {
    app.get(path, async (request, reply): Promise<FastifyReply> => {
      await take(deps, request, [request.query]);
      return sendPixel(reply);
    });
  }
}

async function take(
  deps: CollectDeps,
  request: FastifyRequest,
  payloads: readonly unknown[],
): Promise<void> {
  const receivedAt = deps.now();
  const byProject = grouped(payloads, (payload) =>
    deps.keys.projectOf(textOf(fieldsOf(payload)['aid'])),
  );
  const agent = agentOfRequest(request);
  const { userAgent } = agent;
  for (const [project, own] of byProject) {
    if (project === undefined) {
      deps.watch.refused('snowplow', 'key', own.length);
      deps.say('an app id is of no project', { tracker: 'snowplow' }, own.length);
      continue;
    }
    const anonymous = new Map<string, string | undefined>();
    const tracked: Tracked[] = [];
    for (const payload of own) {
      const from = { ip: request.ip, agent, project, receivedAt };
      const visitor = await visitorOf(deps, payload, from);
      if (visitor !== undefined) anonymous.set(visitor.today, visitor.yesterday);
      tracked.push(readSnowplow(payload, { receivedAt, userAgent, visitor: visitor?.today }));
    }
    await deps.take({ project, tracker: 'snowplow', receivedAt, anonymous }, tracked.flat());
  }
}

/** Of a request what tells visitors apart. */
interface From {
  readonly ip: string;
  readonly agent: Agent;
  readonly project: string;
  readonly receivedAt: number;
}

/** Of a payload that says nothing of its visitor. Others need no hash, and do not wait for one. */
async function visitorOf(
  { hashes }: CollectDeps,
  payload: unknown,
  { ip, agent, project, receivedAt }: From,
): Promise<{ readonly today: string; readonly yesterday: string | undefined } | undefined> {
  if (!isAnonymous(payload)) return undefined;
  const stated = textOf(fieldsOf(payload)['ua']);
  const { hashed } = stated === undefined ? agent : agentOf(stated);
  return hashes.of([ip, hashed, project], receivedAt);
}
