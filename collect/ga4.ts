/**
 * GA4's Measurement Protocol. It says 204 to everything; `/debug/mp/collect` says what is wrong, and takes nothing. A
 * key is the measurement id (or app id) alone, or with its secret behind a slash: then the secret has to be right.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isFault } from '../trackers/event.ts';
import { readGa4 } from '../trackers/ga4.ts';
import { fieldsOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import { bodyOf, checkCount, jsonOf, NAMED_MAX, parameterOf } from './requests.ts';

export function addGa4(app: FastifyInstance, deps: CollectDeps): void {
  app.post('/mp/collect', async (request, reply) => {
    const receivedAt = deps.now();
    const project = projectOf(deps, request);
    const body = readable(request);
    if (project === undefined) {
      deps.watch.refused('ga4', 'key');
      deps.say('a measurement id is of no project, or its secret is wrong', { tracker: 'ga4' });
    } else if (body === undefined) {
      deps.watch.refused('ga4', 'malformed');
    } else {
      await deps.take({ project, tracker: 'ga4', receivedAt }, readGa4(body, { receivedAt }));
    }
    return reply.code(204).send();
  });
  app.post('/debug/mp/collect', (request) => {
    const body = readable(request);
    const tracked = readGa4(body, { receivedAt: deps.now() });
    const messages = tracked.flatMap((one) => (isFault(one) ? [one.fault] : []));
    if (projectOf(deps, request) === undefined) {
      messages.unshift('measurement_id and api_secret are of no project');
    }
    return {
      validationMessages: messages.slice(0, NAMED_MAX).map((description) => ({
        description,
        validationCode: 'VALUE_INVALID',
      })),
    };
  });
}

function projectOf({ keys }: CollectDeps, request: FastifyRequest): string | undefined {
  const id = parameterOf(request, 'measurement_id') ?? parameterOf(request, 'firebase_app_id');
  const secret = parameterOf(request, 'api_secret') ?? '';
  return id === undefined ? undefined : (keys.projectOf(`${id}/${secret}`) ?? keys.projectOf(id));
}

/**
 * What is no JSON is nothing: nobody is told.
 * @throws BadRequestError 413 for too many events
 */
function readable(request: FastifyRequest): unknown {
  let body: unknown;
  try {
    body = jsonOf(bodyOf(request));
  } catch {
    return undefined;
  }
  const { events } = fieldsOf(body);
  if (Array.isArray(events)) checkCount(events.length);
  return body;
}
