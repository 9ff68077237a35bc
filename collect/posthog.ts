/**
 * PostHog's capture endpoints. Its script sends gzip as text/plain with `?compression=gzip-js` and, while a page is
 * left, a form with `data=<base64>`; servers send JSON. The script takes nothing but 200 for done.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isFault, type Tracked } from '../trackers/event.ts';
import { isCookieless, type PosthogRequest, readPosthog } from '../trackers/posthog.ts';
import { fieldsOf, firstText, isFields, textOf, timeOf } from '../trackers/values.ts';
import type { CollectDeps } from './deps.ts';
import {
  type Agent,
  agentOfRequest,
  authorizedAs,
  bodyOf,
  checkCount,
  elementsOf,
  jsonOf,
  NAMED_MAX,
  parameterOf,
  unpacked,
} from './requests.ts';

const CAPTURE_PATHS = ['/e', '/i/v0/e', '/batch', '/capture', '/track', '/i/v0/ai/batch'] as const;
const FLAGS_PATHS = ['/flags', '/decide'] as const;

export function addPosthog(app: FastifyInstance, deps: CollectDeps): void {
  for (const path of CAPTURE_PATHS) {
    for (const ending of ['', '/']) {
      app.post(`${path}${ending}`, (request, reply) => capture(deps, request, reply));
    }
  }
  app.post('/i/v1/analytics/events', (request, reply) => captureV1(deps, request, reply));
  // What the script asks before it sends, and after: there is nothing of it here.
  for (const path of FLAGS_PATHS) {
    for (const ending of ['', '/']) app.post(`${path}${ending}`, () => NO_FEATURES);
  }
  for (const ending of ['', '/']) app.post(`/s${ending}`, () => OK);
  app.get('/array/:key/config', () => NO_FEATURES);
}

const OK = { status: 'Ok' } as const;
const NO_FEATURES = {
  supportedCompression: ['gzip', 'gzip-js', 'base64'],
  featureFlags: {},
  featureFlagPayloads: {},
  flags: {},
  errorsWhileComputingFlags: false,
  sessionRecording: false,
  surveys: false,
  siteApps: [],
  hasFeatureFlags: false,
  autocaptureExceptions: false,
  capturePerformance: false,
  heatmaps: false,
} as const;
const WRONG_KEY = 'API key is not valid: no project has it';

async function capture(
  deps: CollectDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const receivedAt = deps.now();
  const body = await readBody(request);
  const isEnvelope = isFields(body) && Array.isArray(body['batch']);
  const captured = (
    isEnvelope ? body['batch'] : Array.isArray(body) ? body : [body]
  ) as readonly unknown[];
  checkCount(captured.length);
  const sentAt = timeOf(fieldsOf(body)['sent_at']) ?? timeOf(parameterOf(request, '_'));
  const project = deps.keys.projectOf(keyOf(isEnvelope ? [body, ...captured] : captured));
  if (project === undefined) return refuse(deps, reply);
  const from = { ip: request.ip, agent: agentOfRequest(request), project, receivedAt };
  const { visitor, anonymous } = await visitorOf(deps, captured, from);
  const received = { receivedAt, sentAt, visitor };
  const tracked = captured.flatMap((one) => readOne(one, received, from.agent));
  const source = { project, tracker: 'posthog', receivedAt, anonymous } as const;
  const { events, faults } = await deps.take(source, tracked);
  return events === 0 && faults[0] !== undefined
    ? reply.code(400).type('text/plain').send(faults[0])
    : reply.send(OK);
}

/** Says of each event whether it was taken. */
async function captureV1(
  deps: CollectDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const receivedAt = deps.now();
  const { batch, created_at: createdAt } = fieldsOf(jsonOf(bodyOf(request)));
  const captured = elementsOf(batch, 'batch must be an array');
  const project = deps.keys.projectOf(authorizedAs(request));
  if (project === undefined) return refuse(deps, reply);
  const sentAt = timeOf(request.headers['posthog-request-timestamp']) ?? timeOf(createdAt);
  const from = { ip: request.ip, agent: agentOfRequest(request), project, receivedAt };
  const { visitor, anonymous } = await visitorOf(deps, captured, from);
  const received = { receivedAt, sentAt, visitor };
  const results: Record<string, { readonly result: string; readonly details?: string }> = {};
  let faults = 0;
  const tracked = captured.flatMap((one) => {
    const read = readOne(asBefore(one), received, from.agent);
    const uuid = textOf(fieldsOf(one)['uuid']);
    const fault = read.find(isFault)?.fault;
    if (fault !== undefined) faults += 1;
    const isNamed = fault !== undefined && faults <= NAMED_MAX;
    if (uuid !== undefined) {
      const result = fault === undefined ? 'ok' : 'drop';
      results[uuid] = isNamed ? { result, details: fault } : { result };
    }
    return read;
  });
  await deps.take({ project, tracker: 'posthog', receivedAt, anonymous }, tracked);
  return reply.send({ results });
}

/** The newer form has some of an event's properties beside them. */
function asBefore(captured: unknown): unknown {
  if (!isFields(captured)) return captured;
  const options = fieldsOf(captured['options']);
  const properties = {
    $session_id: captured['session_id'],
    $process_person_profile: options['process_person_profile'],
    $ignore_sent_at: options['disable_skew_correction'],
    ...fieldsOf(captured['properties']),
  };
  return { ...captured, properties };
}

function refuse({ watch }: CollectDeps, reply: FastifyReply): FastifyReply {
  watch.refused('posthog', 'key');
  return reply.code(401).type('text/plain').send(WRONG_KEY);
}

/** Whose the events without any id are: the hash of today, and with yesterday's, as a session is looked up. */
interface Anonymous {
  readonly visitor?: string;
  readonly anonymous?: ReadonlyMap<string, string | undefined>;
}

/** Of a request what tells its visitors apart. */
interface From {
  readonly ip: string;
  readonly agent: Agent;
  readonly project: string;
  readonly receivedAt: number;
}

/** Of a script that keeps nothing in the browser. Others need no hash, and do not wait for one. */
async function visitorOf(
  { hashes }: CollectDeps,
  captured: readonly unknown[],
  { ip, agent, project, receivedAt }: From,
): Promise<Anonymous> {
  if (!captured.some(isCookieless)) return {};
  const { today, yesterday } = await hashes.of([ip, agent.hashed, project], receivedAt);
  return { visitor: today, anonymous: new Map([[today, yesterday]]) };
}

/** A browser's own header, where its event does not say what it is: servers say so in `$lib`. */
function readOne(captured: unknown, received: PosthogRequest, agent: Agent): Tracked {
  const tracked = readPosthog(captured, received);
  const isFromBrowser = fieldsOf(fieldsOf(captured)['properties'])['$lib'] === 'web';
  const userAgent = isFromBrowser ? agent.userAgent : undefined;
  if (userAgent === undefined) return tracked;
  return tracked.map((one) =>
    isFault(one)
      ? one
      : {
          ...one,
          event: { ...one.event, properties: { userAgent, ...fieldsOf(one.event['properties']) } },
        },
  );
}

/** The first that says one. */
function keyOf(all: readonly unknown[]): string | undefined {
  for (const one of all) {
    const fields = fieldsOf(one);
    const key = firstText(
      fields['api_key'],
      fields['token'],
      fields['$token'],
      fieldsOf(fields['properties'])['token'],
    );
    if (key !== undefined) return key;
  }
  return undefined;
}

/** @throws BadRequestError */
async function readBody(request: FastifyRequest): Promise<unknown> {
  const body = bodyOf(request);
  const compression = parameterOf(request, 'compression');
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  // Also without being told: its script and its servers have called it by several names.
  if (isGzip) return jsonOf(await unpacked(body, 'gzip'));
  const text = body.toString();
  if (compression === 'base64' || text.startsWith('data=')) {
    const data = new URLSearchParams(text).get('data') ?? text;
    // A plus sign that was not escaped has become a space.
    return jsonOf(
      /^[[{]/.test(data) ? data : Buffer.from(data.replaceAll(' ', '+'), 'base64').toString(),
    );
  }
  return jsonOf(text);
}
