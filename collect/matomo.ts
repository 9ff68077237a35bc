/**
 * Matomo's Tracking API: parameters of the address or of a form, or many requests in one body, which is told by its
 * content alone. A site's token is one of the project's keys, like the number of the site.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isFault, type Tracked } from '../trackers/event.ts';
import { type MatomoParameters, readMatomo } from '../trackers/matomo.ts';
import { fieldsOf, textOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import { grouped } from './grouped.ts';
import { sendPixel } from './pixel.ts';
import {
  type Agent,
  agentOf,
  agentOfRequest,
  BadRequestError,
  bodyOf,
  elementsOf,
  jsonOf,
  languageOf,
  NAMED_MAX,
} from './requests.ts';
import type { Source } from './take.ts';

const PATHS = ['/matomo.php', '/piwik.php', '/matomo', '/js/tracker.php'] as const;

export function addMatomo(app: FastifyInstance, deps: CollectDeps): void {
  for (const path of PATHS) {
    app.get(path, (request, reply) => takeOne(deps, request, reply, queryOf(request)));
    app.post(path, (request, reply) => {
      const body = bodyOf(request).toString();
      if (/^\s*\{[^]*"requests"/.test(body)) return takeBulk(deps, request, reply, body);
      const form = Object.fromEntries(new URLSearchParams(body));
      return takeOne(deps, request, reply, { ...queryOf(request), ...form });
    });
  }
}

async function takeOne(
  deps: CollectDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  parameters: MatomoParameters,
): Promise<FastifyReply> {
  const receivedAt = deps.now();
  const token = textOf(parameters['token_auth']);
  const one = await read(deps, { ...fromOf(request), receivedAt }, { parameters, token });
  await take(deps, { project: one.project, receivedAt }, [one]);
  return parameters['send_image'] === '0' ? reply.code(204).send() : sendPixel(reply);
}

/** A bad one does not hold up the others. */
async function takeBulk(
  deps: CollectDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
): Promise<FastifyReply> {
  const receivedAt = deps.now();
  const { requests, token_auth: common } = fieldsOf(jsonOf(body));
  const all = elementsOf(requests, 'requests must be an array').map(parametersOf);
  const from = { ...fromOf(request), receivedAt };
  const good: Read[] = [];
  const invalid: number[] = [];
  for (const [index, parameters] of all.entries()) {
    try {
      const token = textOf(parameters['token_auth']) ?? textOf(common);
      good.push(await read(deps, from, { parameters, token }));
    } catch (error) {
      if (!(error instanceof BadRequestError)) throw error;
      deps.watch.refused('matomo', error.reason);
      invalid.push(index);
    }
  }
  const byProject = [...grouped(good, ({ project }) => project)];
  const isOneOfSeveral = byProject.length > 1;
  for (const [project, own] of byProject) {
    await take(deps, { project, receivedAt, isOneOfSeveral }, own);
  }
  if (all.length > 0 && all.every(({ send_image: image }) => image === '0')) {
    return reply.code(204).send();
  }
  return reply.send({
    status: 'success',
    tracked: all.length - invalid.length,
    invalid: invalid.length,
    ...(textOf(common) !== undefined && { invalid_indices: invalid.slice(0, NAMED_MAX) }),
  });
}

/** What a request says, and whose it is. */
interface Read {
  readonly project: string;
  readonly tracked: Tracked;
  /** Hashes of today and yesterday. */
  readonly visitor: readonly [today: string, yesterday: string | undefined];
}

/** Of a request what all that it brings has in common. */
interface From {
  readonly ip: string;
  readonly agent: Agent;
  readonly language: string | undefined;
  readonly receivedAt: number;
}

function fromOf(request: FastifyRequest): Omit<From, 'receivedAt'> {
  return { ip: request.ip, agent: agentOfRequest(request), language: languageOf(request) };
}

interface Asked {
  readonly parameters: MatomoParameters;
  readonly token: string | undefined;
}

/** @throws BadRequestError for what the real one refuses */
async function read(
  deps: CollectDeps,
  { ip, agent, language, receivedAt }: From,
  { parameters, token }: Asked,
): Promise<Read> {
  const site = textOf(parameters['idsite']);
  const project = deps.keys.projectOf(site);
  if (project === undefined) throw new BadRequestError('idsite is of no project', 400, 'key');
  // The number of a site is in its pages: by that anybody could say where somebody is.
  const isTrusted = token !== site && deps.keys.projectOf(token) === project;
  const address = (isTrusted ? textOf(parameters['cip']) : undefined) ?? ip;
  const stated = textOf(parameters['ua']);
  const { userAgent, hashed } = stated === undefined ? agent : agentOf(stated);
  const parts = [address, hashed, site ?? ''];
  const { today, yesterday } = await deps.hashes.of(parts, receivedAt);
  const tracked = readMatomo(parameters, {
    ...{ receivedAt, userAgent, isTrusted, language },
    visitor: today,
  });
  const fault = tracked.find(isFault)?.fault;
  if (fault !== undefined) throw new BadRequestError(fault);
  return { project, tracked, visitor: [today, yesterday] };
}

async function take(
  deps: CollectDeps,
  from: Pick<Source, 'project' | 'receivedAt' | 'isOneOfSeveral'>,
  all: readonly Read[],
): Promise<void> {
  const anonymous = new Map(all.map(({ visitor }) => visitor));
  await deps.take(
    { ...from, tracker: 'matomo', anonymous },
    all.flatMap(({ tracked }) => tracked),
  );
}

/** All that is behind the first question mark: in addresses of pages others are often not escaped. */
function queryOf(request: FastifyRequest): MatomoParameters {
  return request.query as MatomoParameters;
}

/** A request of many: the query of an address, or an object of it. */
function parametersOf(request: unknown): MatomoParameters {
  if (typeof request === 'string') {
    return Object.fromEntries(new URLSearchParams(request.replace(/^[^?]*\?/, '')));
  }
  return Object.fromEntries(
    Object.entries(fieldsOf(request)).flatMap(([name, value]) => {
      const text = textOf(value);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
