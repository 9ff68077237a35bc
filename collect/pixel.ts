/** A picture of one transparent point, for trackers that send by loading one. */
import type { FastifyReply } from 'fastify';

const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export function sendPixel(reply: FastifyReply): FastifyReply {
  return reply.type('image/gif').header('cache-control', 'no-store').send(GIF);
}
