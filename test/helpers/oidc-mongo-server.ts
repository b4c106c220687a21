import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { BSON } from 'mongodb';
import type { TestCluster } from './federation.js';

type Document = Record<string, unknown>;

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
const NOTHING_ASKED = { $db: 'admin' };

/** A connection, and who is signed in on it. */
interface Session {
  user: string | undefined;
  isExpired: boolean;
}

/**
 * As much of MongoDB's wire protocol as its driver needs to sign in with MONGODB-OIDC and to ask who it is. A real server that takes
 * OIDC tokens is MongoDB Enterprise or Atlas, which no package registry has. It checks tokens as a server does that trusts the cluster.
 *
 * @see https://github.com/mongodb/specifications/blob/master/source/auth/auth.md#mongodb-oidc
 */
export class OidcMongoServer implements AsyncDisposable {
  /** The tokens that were sent, in order. */
  readonly tokens: string[] = [];
  readonly #sockets = new Map<Socket, Session>();

  private constructor(
    private readonly server: Server,
    private readonly cluster: TestCluster,
    private readonly audience: string,
  ) {
    server.on('connection', (socket) => {
      this.#sockets.set(socket, { user: undefined, isExpired: false });
      socket.once('close', () => this.#sockets.delete(socket)).on('error', () => {});
      this.#serve(socket).catch((error: unknown) => socket.destroy(error as Error));
    });
  }

  static async start(cluster: TestCluster, audience: string): Promise<OidcMongoServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OidcMongoServer(server, cluster, audience);
  }

  get uri(): string {
    return `mongodb://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** The tokens of all sessions expire: what is asked next is answered with the order to authenticate again. */
  expireSessions(): void {
    for (const session of this.#sockets.values()) session.isExpired = session.user !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const length = received.readInt32LE(0);
        const message = received.subarray(0, length);
        received = received.subarray(length);
        socket.write(replyTo(message, await this.#answer(documentOf(message), this.#sockets.get(socket)!)));
      }
    }
  }

  async #answer(command: Document, session: Session): Promise<Document> {
    if ('hello' in command || 'ismaster' in command || 'isMaster' in command) return GREETING;
    if ('endSessions' in command) return { ok: 1 };
    if ('saslStart' in command) return this.#signIn(command, session);
    if (session.user === undefined) return failure(13, 'Unauthorized', 'command requires authentication');
    if (session.isExpired) return failure(391, 'ReauthenticationRequired', 'the token has expired');
    if ('connectionStatus' in command) {
      return { authInfo: { authenticatedUsers: [{ user: session.user, db: '$external' }] }, ok: 1 };
    }
    return failure(59, 'CommandNotFound', `no such command: ${Object.keys(command)[0]}`);
  }

  async #signIn({ mechanism, payload }: Document, session: Session): Promise<Document> {
    const { jwt } = BSON.deserialize((payload as { buffer: Uint8Array }).buffer);
    this.tokens.push(jwt);
    try {
      if (mechanism !== 'MONGODB-OIDC') throw new Error(`no mechanism ${mechanism}`);
      const keys = createLocalJWKSet(this.cluster.jwks as unknown as JSONWebKeySet);
      const { payload } = await jwtVerify(jwt, keys, { audience: this.audience, issuer: this.cluster.issuer });
      Object.assign(session, { user: `cluster/${payload.sub}`, isExpired: false });
      return { conversationId: 1, done: true, payload: new BSON.Binary(), ok: 1 };
    } catch {
      return failure(18, 'AuthenticationFailed', 'Authentication failed.');
    }
  }
}

const GREETING = {
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: 16 * 2 ** 20,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  // MongoDB 8.0
  maxWireVersion: 25,
  ok: 1,
};

function failure(code: number, codeName: string, errmsg: string): Document {
  return { ok: 0, code, codeName, errmsg };
}

/** The command of a message: a first greeting comes as OP_QUERY, all else as OP_MSG with one section. */
function documentOf(message: Buffer): Document {
  const operation = message.readInt32LE(12);
  if (operation === OP_MSG) return BSON.deserialize(message.subarray(HEADER_BYTES + 5));
  if (operation !== OP_QUERY) return NOTHING_ASKED;
  const endOfName = message.indexOf(0, HEADER_BYTES + 4);
  return BSON.deserialize(message.subarray(endOfName + 9));
}

function replyTo(message: Buffer, answer: Document): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  // OP_REPLY: flags, cursor (8 bytes), where it starts, how many documents. OP_MSG: flags, and a section of kind 0.
  const before = Buffer.alloc(isQuery ? 20 : 5);
  if (isQuery) before.writeInt32LE(1, 16);
  const header = Buffer.alloc(HEADER_BYTES);
  const document = BSON.serialize(answer);
  header.writeInt32LE(HEADER_BYTES + before.length + document.length, 0);
  header.writeInt32LE(message.readInt32LE(4), 8);
  header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, before, document]);
}
