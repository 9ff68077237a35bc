/** Plausible's events API: one event a request, for one site or several. It says 202 to all that it can read. */
import type { FastifyInstance } from 'fastify';
import { readPlausible, sitesOfPlausible } from '../trackers/plausible.ts';
import type { CollectDeps } from './deps.ts';
import { agentOfRequest, bodyOf, checkCount, checkMade, jsonOf } from './requests.ts';

export function addPlausible(app: FastifyInstance, deps: CollectDeps): void {
  app.post('/api/event', async (request, reply) => {
    const receivedAt = deps.now();
    const bytes = bodyOf(request);
    const body = jsonOf(bytes);
    const { userAgent, hashed } = agentOfRequest(request);
    const sites = sitesOfPlausible(body);
    checkCount(sites.length);
    if (sites.length === 0) return reply.code(400).send({ errors: { domain: ["can't be blank"] } });
    let fault: string | undefined;
    const projects = new Map(sites.map((site) => [site, deps.keys.projectOf(site)]));
    const known = [...projects.values()].filter((project) => project !== undefined);
    // What stands once in it is read for each of them.
    checkMade(known.length * bytes.length);
    for (const [site, project] of projects) {
      if (project === undefined) {
        deps.watch.refused('plausible', 'key');
        deps.say('a domain is of no project', { tracker: 'plausible' });
        continue;
      }
      const anonymous = await deps.hashes.of([request.ip, hashed, site], receivedAt);
      const tracked = readPlausible(body, { receivedAt, userAgent, visitor: anonymous.today });
      const taken = await deps.take(
        {
          ...{ project, tracker: 'plausible', receivedAt },
          isOneOfSeveral: known.length > 1,
          anonymous: new Map([[anonymous.today, anonymous.yesterday]]),
        },
        tracked,
      );
      fault ??= taken.faults[0];
    }
    return fault === undefined
      ? reply.code(202).type('text/plain').send('ok')
      : reply.code(400).send({ errors: { event: [fault] } });
  });
}
