import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BearerAnswer } from './bearer-authentication.js';

/** A request of Fastify, as far as {@link requireToken} uses it. */
export interface RawRequest {
  readonly raw: IncomingMessage;
}

/** A reply of Fastify, as far as {@link requireToken} uses it. */
export interface RawReply {
  readonly raw: ServerResponse;
  code(status: number): RawReply;
  header(name: string, value: string): RawReply;
  send(): unknown;
}

/** A request and its response, of any framework. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  /** Whether a response has begun. */
  readonly isAnswered: boolean;
  /** Answers without a body; does nothing if a response has begun. */
  answer(answer: BearerAnswer): void;
}

/**
 * Returns the common interface of the handlers of Express (and other Connect middleware) and of Fastify. Fastify is recognized by its
 * reply, as other middleware adds a property `raw` to requests of Express.
 */
export function exchangeOf(request: IncomingMessage | RawRequest, response: ServerResponse | RawReply): HttpExchange {
  return isFastifyReply(response)
    ? fastifyExchange((request as RawRequest).raw, response)
    : nodeExchange(request as IncomingMessage, response);
}

function fastifyExchange(request: IncomingMessage, reply: RawReply): HttpExchange {
  return {
    request,
    get isAnswered() {
      return isBegun(reply.raw) || ('sent' in reply && reply.sent === true);
    },
    answer({ status, headers }) {
      if (this.isAnswered) return;
      for (const [name, value] of Object.entries(headers)) reply.header(name, value);
      reply.code(status).send();
    },
  };
}

function nodeExchange(request: IncomingMessage, response: ServerResponse): HttpExchange {
  return {
    request,
    get isAnswered() {
      return isBegun(response);
    },
    answer({ status, headers }) {
      if (this.isAnswered) return;
      // Two statements: not every stand-in for a response returns itself from writeHead.
      response.writeHead(status, { ...headers, 'Content-Length': '0' });
      response.end();
    },
  };
}

function isFastifyReply(response: ServerResponse | RawReply): response is RawReply {
  return 'raw' in response && typeof (response as Partial<RawReply>).code === 'function';
}

function isBegun({ headersSent, writableEnded }: ServerResponse): boolean {
  return headersSent || writableEnded;
}
