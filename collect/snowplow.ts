/**
 * Snowplow's collector: events by POST with an array, or by GET of a picture. There is no key; the app id (`aid`) tells
 * the project. The collector takes whatever comes, so what is of no project is told nobody but our log.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readSnowplow } from '../trackers/snowplow.ts';
import { fieldsOf, textOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import { grouped } from './grouped.ts';
import { sendPixel } from './pixel.ts';
import { bodyOf, elementsOf, jsonOf, userAgentOf } from './requests.ts';

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
  const userAgent = userAgentOf(request);
  for (const [project, own] of byProject) {
    if (project === undefined) {
      deps.watch.refused('snowplow', 'key', own.length);
      deps.say('an app id is of no project', { tracker: 'snowplow' }, own.length);
      continue;
    }
    await deps.take(
      { project, tracker: 'snowplow', receivedAt },
      own.flatMap((payload) => readSnowplow(payload, { receivedAt, userAgent })),
    );
  }
}
