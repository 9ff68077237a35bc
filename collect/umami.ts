/** Umami's API: one request at a time, or an array. Its answer tells the session, which its script sends back. */
import type { FastifyInstance } from 'fastify';
import { isFault, type Tracked } from '../trackers/event.ts';
import { readUmami, siteOfUmami } from '../trackers/umami.ts';
import { fieldsOf, textOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import { grouped } from './grouped.ts';
import {
  type Agent,
  agentOf,
  agentOfRequest,
  BadRequestError,
  bodyOf,
  elementsOf,
  jsonOf,
  NAMED_MAX,
} from './requests.ts';
import type { Source } from './take.ts';

interface Answer {
  readonly cache: string;
  readonly sessionId: string;
  readonly visitId: string;
}

/** What a request says, and whose it is. */
interface Read {
  readonly project: string;
  readonly tracked: Tracked;
  /** Hashes of today and yesterday. */
  readonly visitor: readonly [today: string, yesterday: string | undefined];
}

export function addUmami(app: FastifyInstance, deps: CollectDeps): void {
  app.post('/api/send', async (request): Promise<Answer> => {
    const receivedAt = deps.now();
    const from = { ip: request.ip, agent: agentOfRequest(request), receivedAt };
    const one = await read(deps, jsonOf(bodyOf(request)), from);
    return take(deps, { project: one.project, receivedAt }, [one]);
  });
  app.post('/api/batch', async (request) => {
    const receivedAt = deps.now();
    const all = elementsOf(jsonOf(bodyOf(request)), 'the body must be an array');
    const from = { ip: request.ip, agent: agentOfRequest(request), receivedAt };
    const good: Read[] = [];
    let errors = 0;
    const details: { readonly index: number; readonly response: unknown }[] = [];
    for (const [index, body] of all.entries()) {
      try {
        good.push(await read(deps, body, from));
      } catch (error) {
        if (!(error instanceof BadRequestError)) throw error;
        deps.watch.refused('umami', error.reason);
        errors += 1;
        if (errors <= NAMED_MAX) details.push({ index, response: { error: error.message } });
      }
    }
    let answer: Answer | undefined;
    const byProject = [...grouped(good, ({ project }) => project)];
    const isOneOfSeveral = byProject.length > 1;
    for (const [project, own] of byProject) {
      answer = await take(deps, { project, receivedAt, isOneOfSeveral }, own);
    }
    const { length: size } = all;
    return { size, processed: size - errors, errors, details, cache: answer?.cache };
  });
}

/** Of a request what all that it brings has in common. */
interface From {
  readonly ip: string;
  readonly agent: Agent;
  readonly receivedAt: number;
}

/** @throws BadRequestError for what the real one refuses */
async function read(
  deps: CollectDeps,
  body: unknown,
  { ip, agent, receivedAt }: From,
): Promise<Read> {
  const site = siteOfUmami(body);
  const project = deps.keys.projectOf(site);
  if (site === undefined || project === undefined) {
    throw new BadRequestError('Website not found.', 400, 'key');
  }
  const payload = fieldsOf(fieldsOf(body)['payload']);
  const stated = textOf(payload['userAgent']);
  const { userAgent, hashed } = stated === undefined ? agent : agentOf(stated);
  // A server that sends for its visitors says whose address it is.
  const address = textOf(payload['ip']) ?? ip;
  const { today, yesterday } = await deps.hashes.of([address, hashed, site], receivedAt);
  const tracked = readUmami(body, { receivedAt, userAgent, visitor: today });
  const fault = tracked.find(isFault)?.fault;
  if (fault !== undefined) throw new BadRequestError(fault);
  return { project, tracked, visitor: [today, yesterday] };
}

async function take(
  deps: CollectDeps,
  from: Pick<Source, 'project' | 'receivedAt' | 'isOneOfSeveral'>,
  all: readonly Read[],
): Promise<Answer> {
  const anonymous = new Map(all.map(({ visitor }) => visitor));
  const source = { ...from, tracker: 'umami', anonymous } as const;
  const { sessions } = await deps.take(
    source,
    all.flatMap(({ tracked }) => tracked),
  );
  // What is nothing to count has none.
  const session = sessions.at(-1) ?? all[0]?.visitor[0] ?? '';
  return { cache: session, sessionId: session, visitId: session };
}
