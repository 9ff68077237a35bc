/** The API of the page. A panel each, so that they load side by side; every answer tells its days in full. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  AddressError,
  oneOf,
  type Parameters,
  parseProject,
  parseView,
  single,
} from './address.ts';
import {
  type AnswerDeps,
  type Asked,
  chart,
  list,
  oneOverTime,
  resolveView,
  summarize,
} from './answers.ts';
import { EVENT_LISTS, type EventList } from './queries.ts';
import { type DimensionName, isDimension } from './dimensions.ts';
import { signalOf } from './gone.ts';
import { listProjects } from './projects.ts';
import { listSessions, oneSession, type SessionDeps } from './sessions.ts';

export interface RouteOptions {
  /** Whether there is a login, and so a way out. */
  readonly hasLogin: boolean;
}

const LIST_ROWS = { usual: 10, most: 500 } as const;
const TEXT_LENGTH_MAX = 1_024;

export function addRoutes(
  app: FastifyInstance,
  deps: SessionDeps,
  { hasLogin }: RouteOptions,
): void {
  app.get('/api/projects', async (request) => ({
    projects: await listProjects(deps.database, deps.zones, signalOf(request)),
    hasLogin,
    zoneDataVersion: deps.zones.zoneDataVersion,
  }));
  app.get('/api/summary', async (request) =>
    summarize(deps, await askedBy(deps, request), signalOf(request)),
  );
  app.get('/api/chart', async (request) =>
    chart(deps, await askedBy(deps, request), signalOf(request)),
  );
  app.get<{ Params: { name: string } }>('/api/list/:name', async (request) => {
    const name = parseListName(request.params.name);
    const limit = parseLimit(parametersOf(request));
    return list(deps, await askedBy(deps, request), name, limit, signalOf(request));
  });
  app.get('/api/over-time', async (request) => {
    const of = parseOne(parametersOf(request));
    return oneOverTime(deps, await askedBy(deps, request), of, signalOf(request));
  });
  app.get('/api/sessions', async (request) => {
    const after = single('after', parametersOf(request));
    return listSessions(deps, await askedBy(deps, request), after, signalOf(request));
  });
  app.get('/api/session', async (request) => {
    const parameters = parametersOf(request);
    return oneSession(
      deps,
      {
        project: parseProject(parameters),
        sessionId: textOf('id', parameters) ?? missing('id'),
        firstRunId: textOf('run', parameters),
      },
      signalOf(request),
    );
  });
}

/** What an address asks for, in days. @throws AddressError */
export function askedBy(deps: AnswerDeps, request: FastifyRequest): Promise<Asked> {
  return resolveView(deps, parseView(parametersOf(request)), signalOf(request));
}

export function parametersOf(request: FastifyRequest): Parameters {
  return request.query as Parameters;
}

/** @throws AddressError */
export function parseListName(name: string): DimensionName | EventList {
  const found = EVENT_LISTS.find((one) => one === name) ?? (isDimension(name) ? name : undefined);
  if (found === undefined) throw new AddressError(`there is no list ${JSON.stringify(name)}`);
  return found;
}

function parseLimit(parameters: Parameters): number {
  const text = single('limit', parameters);
  if (text === undefined) return LIST_ROWS.usual;
  const limit = Number(text);
  if (!/^\d{1,4}$/.test(text) || limit < 1 || limit > LIST_ROWS.most) {
    throw new AddressError(`limit must be a number from 1 to ${LIST_ROWS.most}`);
  }
  return limit;
}

/** `of=pages&name=/shoes` */
export function parseOne(parameters: Parameters): {
  readonly list: EventList;
  readonly name: string;
} {
  return {
    list: oneOf(EVENT_LISTS, 'of', parameters) ?? missing('of'),
    name: textOf('name', parameters) ?? missing('name'),
  };
}

function textOf(name: string, parameters: Parameters): string | undefined {
  const text = single(name, parameters);
  if (text !== undefined && text.length > TEXT_LENGTH_MAX) {
    throw new AddressError(`${name} may have ${TEXT_LENGTH_MAX} characters at most`);
  }
  return text;
}

function missing(name: string): never {
  throw new AddressError(`${name} must be there`);
}
