/**
 * The trace of a request, from its header `traceparent` to the message that its events go in: where traces are wanted, and
 * its sender records one. Requests that go together in one message go with the trace of the first that has one.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance } from 'fastify';
import { parseSampled } from '../shared/traces.ts';

/** Headers for NATS, as they came. */
export interface RequestTrace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface RequestTraces {
  /** Has a server's requests remember theirs. */
  follow(app: FastifyInstance): void;
  /** That of the request that is being answered. */
  readonly current: () => RequestTrace | undefined;
}

const TRACESTATE_CHARS_MAX = 512;

export function createRequestTraces(): RequestTraces {
  const storage = new AsyncLocalStorage<RequestTrace>();
  return {
    follow(app) {
      // After the body is read: what its parser does later is done by nobody in particular.
      app.addHook('preHandler', (request, _reply, done) => {
        const { traceparent, tracestate } = request.headers;
        const trace = traceOf(traceparent, tracestate);
        if (trace === undefined) done();
        else storage.run(trace, done);
      });
    },
    current: () => storage.getStore(),
  };
}

/** @param traceparent of a header that came twice, an array or both in one: neither is one */
function traceOf(traceparent: unknown, tracestate: unknown): RequestTrace | undefined {
  if (typeof traceparent !== 'string' || parseSampled(traceparent) === undefined) return undefined;
  const isKept =
    typeof tracestate === 'string' &&
    tracestate.length <= TRACESTATE_CHARS_MAX &&
    /^[\x20-\x7e\t]+$/.test(tracestate);
  return { traceparent, ...(isKept && { tracestate }) };
}
