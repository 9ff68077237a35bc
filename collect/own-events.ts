/**
 * `POST /events`: Sojourn's own events, one, an array, or one or an array a line. Each is checked as ingest checks it, so that
 * whoever sends hears of what is wrong; the good ones are taken, byte for byte.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { elementSlices, isArrayText, textStart } from '../workers/ingest/json-slices.ts';
import { parsedJson } from '../trackers/values.ts';
import { parseMessage } from '../workers/ingest/parse-event.ts';
import type { CollectDeps } from './deps.ts';
import type { OutgoingEvent } from './messages.ts';
import {
  authorizedAs,
  BadRequestError,
  bodyOf,
  elementsOf,
  checkCount,
  jsonOf,
  NAMED_MAX,
  parameterOf,
} from './requests.ts';

export interface Rejected {
  /** Which one, from 0: of an array, or of the lines that are not empty and the elements of those that are arrays. */
  readonly index: number;
  readonly reason: string;
}

export interface CheckedEvents {
  readonly good: readonly OutgoingEvent[];
  readonly rejected: readonly Rejected[];
}

export function addOwnEvents(app: FastifyInstance, deps: CollectDeps): void {
  app.post('/events', async (request, reply) => {
    const project = deps.keys.projectOf(keyOf(request));
    if (project === undefined) {
      deps.watch.refused('own', 'key');
      return reply.code(401).send({
        error:
          'no project has this key: send it as `Authorization: Bearer KEY` or as ?key=KEY; `sojourn project set PROJECT --collect-key KEY` sets it',
      });
    }
    deps.checkQuota?.(project);
    const { good, rejected } = checkEvents(bodyOf(request), project, deps.now());
    if (rejected.length > 0) deps.watch.refused('own', 'malformed', rejected.length);
    if (good.length > 0) {
      await deps.outlet.send(project, good);
      deps.watch.taken('own', good.length);
    }
    return reply
      .code(rejected.length === 0 ? 200 : 400)
      .send({ accepted: good.length, ...named(rejected) });
  });
}

/** How many there are is said where not all are named. */
function named(rejected: readonly Rejected[]): object {
  if (rejected.length === 0) return {};
  if (rejected.length <= NAMED_MAX) return { rejected };
  return { rejected: rejected.slice(0, NAMED_MAX), rejectedCount: rejected.length };
}

function keyOf(request: FastifyRequest): string | undefined {
  return authorizedAs(request) ?? parameterOf(request, 'key');
}

/**
 * Tells good events from others.
 * @throws BadRequestError for what is neither JSON nor lines of it, for nothing, and 413 for too many
 */
export function checkEvents(body: Buffer, project: string, receivedAt: number): CheckedEvents {
  const good: OutgoingEvent[] = [];
  const rejected: Rejected[] = [];
  for (const [index, { data, isElement }] of partsOf(body).entries()) {
    const { events, deadLetters } = parseMessage({
      subject: `events.${project}._`,
      // By itself it were a message of several events; in an array it is one, and no event.
      data: isElement && isArrayText(data) ? inArray(data) : data,
      seq: 0,
      receivedAt,
    });
    const [letter] = deadLetters;
    if (letter !== undefined) rejected.push({ index, reason: letter.reason });
    else good.push({ json: data, eventType: events[0]?.event.type });
  }
  if (good.length + rejected.length === 0) throw new BadRequestError('there is no event');
  return { good, rejected };
}

/** An event's bytes. */
interface Part {
  readonly data: Buffer;
  /** Whether it stood in an array. */
  readonly isElement: boolean;
}

function partsOf(sent: Buffer): readonly Part[] {
  const body = withoutMark(sent);
  if (isArrayText(body)) {
    if (isFirstOfLines(body)) return partsOfLines(linesOf(body));
    elementsOf(jsonOf(body), 'the body must be an array');
    return partsOfArray(body);
  }
  const lines = linesOf(body);
  return lines.length > 1 && parsed(body) === undefined
    ? partsOfLines(lines)
    : [{ data: body, isElement: false }];
}

/** A line may be an array, as for `publish` and `import`. One that is none, or has nothing in it, is wrong as it is. */
function partsOfLines(lines: readonly Buffer[]): readonly Part[] {
  const parts: Part[] = [];
  for (const line of lines) {
    const value = isArrayText(line) ? parsed(line) : undefined;
    const count = Array.isArray(value) ? value.length : 0;
    checkCount(parts.length + Math.max(1, count));
    if (count === 0) parts.push({ data: line, isElement: false });
    else parts.push(...partsOfArray(line));
  }
  return parts;
}

function partsOfArray(json: Buffer): readonly Part[] {
  return elementSlices(json).map(({ start, end }) => ({
    data: json.subarray(start, end),
    isElement: true,
  }));
}

/** Whether a body that begins with an array goes on with another line behind it, and not with the rest of the array. */
function isFirstOfLines(body: Buffer): boolean {
  const end = body.indexOf(NEW_LINE, textStart(body));
  return (
    end !== -1 &&
    body.subarray(end).some((byte) => byte > 0x20) &&
    parsed(body.subarray(0, end)) !== undefined
  );
}

function inArray(data: Buffer): Buffer {
  return Buffer.from(`[${data.toString()}]`);
}

const NEW_LINE = 0x0a;

/** Those with something in them. */
function linesOf(body: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  while (start < body.length) {
    const found = body.indexOf(NEW_LINE, start);
    const end = found === -1 ? body.length : found;
    // Files put together have a mark in the middle.
    const line = withoutMark(body.subarray(start, end));
    if (line.some((byte) => byte > 0x20)) {
      lines.push(line);
      checkCount(lines.length);
    }
    start = end + 1;
  }
  return lines;
}

/**
 * Without byte order marks before it. The check reads over one; but in an array, where events of several requests go
 * together, it would make all of them unreadable.
 */
function withoutMark(text: Buffer): Buffer {
  let start = 0;
  while (text[start] === 0xef && text[start + 1] === 0xbb && text[start + 2] === 0xbf) start += 3;
  return text.subarray(start);
}

/** @returns undefined for what is no JSON */
function parsed(text: Buffer): unknown {
  return parsedJson(text.toString());
}
