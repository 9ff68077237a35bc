/** Whether somebody still waits for an answer. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Whoever asked has gone: nothing is wrong, and there is nobody to tell. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

const signals = new WeakMap<FastifyRequest, AbortSignal>();

/** Follows every request from here on. */
export function followClients(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const gone = new AbortController();
    // Also after an answer, when there is nothing left to call off.
    reply.raw.once('close', () => {
      gone.abort(new ClientGoneError('the client has gone'));
    });
    signals.set(request, gone.signal);
    done();
  });
}

/** Aborts when whoever asked goes away: what nobody waits for need not be found out. */
export function signalOf(request: FastifyRequest): AbortSignal {
  const signal = signals.get(request);
  if (signal === undefined) throw new Error('nobody follows this request');
  return signal;
}
