import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MetadataValue,
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { asIs, bytesMethod, listenSecurely } from './grpc-server.js';

/** The four kinds of call that gRPC knows. */
export const CALL_KINDS = ['unary', 'serverStream', 'clientStream', 'bidi'] as const;

export type CallKind = (typeof CALL_KINDS)[number];

const path = (kind: CallKind) => `/test.Echo/${kind}`;

const ECHO: ServiceDefinition = Object.fromEntries(
  CALL_KINDS.map((kind) => [
    kind,
    bytesMethod(path(kind), {
      requestStream: kind === 'clientStream' || kind === 'bidi',
      responseStream: kind === 'serverStream' || kind === 'bidi',
    }),
  ]),
);

/** A gRPC server on loopback, with TLS, that sends back what it is sent. */
export class GrpcEcho {
  /** Metadata of all calls, in the order of their arrival. */
  readonly calls: Metadata[] = [];
  /** Whether a call is refused with `UNAUTHENTICATED`. */
  refuses: (metadata: Metadata) => boolean = () => false;
  readonly #server = new Server();
  readonly #certificate = createLoopbackCertificate();
  #address = '';

  static async start(): Promise<GrpcEcho> {
    const echo = new GrpcEcho();
    await echo.#listen();
    return echo;
  }

  /** Where it listens, as gRPC writes it. */
  get address(): string {
    return this.#address;
  }

  /** The certificate to trust, in PEM. */
  get ca(): Buffer {
    return Buffer.from(this.#certificate.cert);
  }

  /** Channel credentials that trust this server. */
  get channelCredentials(): ChannelCredentials {
    return credentials.createSsl(this.ca);
  }

  /** Values of an entry of the metadata, of all calls. */
  seen(key: string): MetadataValue[][] {
    return this.calls.map((metadata) => metadata.get(key));
  }

  /** Forgets the calls, and refuses none. */
  reset(): void {
    this.calls.length = 0;
    this.refuses = () => false;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  async #listen(): Promise<void> {
    this.#server.addService(ECHO, {
      unary: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        answer(this.#admit(call.metadata), call.request);
      },
      clientStream: async (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        const error = this.#admit(call.metadata);
        answer(error, error === null ? Buffer.concat(await call.toArray()) : null);
      },
      serverStream: (call: ServerWritableStream<Buffer, Buffer>) => {
        const error = this.#admit(call.metadata);
        if (error !== null) return void call.emit('error', error);
        for (const byte of call.request) call.write(Buffer.from([byte]));
        call.end();
      },
      bidi: (call: ServerDuplexStream<Buffer, Buffer>) => {
        const error = this.#admit(call.metadata);
        if (error !== null) return void call.emit('error', error);
        call.on('data', (bytes: Buffer) => call.write(bytes));
        call.on('end', () => call.end());
      },
    });
    this.#address = await listenSecurely(this.#server, this.#certificate);
  }

  #admit(metadata: Metadata): { code: status; details: string } | null {
    this.calls.push(metadata);
    return this.refuses(metadata) ? { code: status.UNAUTHENTICATED, details: 'no' } : null;
  }
}

/** A client of {@link GrpcEcho}; each call resolves with what came back, or rejects as grpc-js does. */
export class EchoClient {
  readonly #client: Client;

  constructor(address: string, channelCredentials: ChannelCredentials, options?: ClientOptions) {
    this.#client = new Client(address, channelCredentials, options);
  }

  call(
    kind: CallKind,
    options: CallOptions & { readonly metadata?: Metadata; readonly signal?: AbortSignal } = {},
  ): Promise<string> {
    const { metadata = new Metadata(), signal, ...rest } = options;
    return new Promise((resolve, reject) => {
      const answer: Answer = (error, bytes) => (error ? reject(error) : resolve(String(bytes)));
      const call = this.#start(kind, metadata, rest, answer);
      signal?.addEventListener('abort', () => call.cancel());
    });
  }

  close(): void {
    this.#client.close();
  }

  #start(kind: CallKind, metadata: Metadata, options: CallOptions, answer: Answer): { cancel(): void } {
    const client = this.#client;
    switch (kind) {
      case 'unary':
        return client.makeUnaryRequest(path(kind), asIs, asIs, HELLO, metadata, options, answer);
      case 'clientStream':
        return send(client.makeClientStreamRequest(path(kind), asIs, asIs, metadata, options, answer));
      case 'serverStream':
        return receive(client.makeServerStreamRequest(path(kind), asIs, asIs, HELLO, metadata, options), answer);
      case 'bidi':
        return receive(send(client.makeBidiStreamRequest(path(kind), asIs, asIs, metadata, options)), answer);
    }
  }
}

type Answer = (error: ServiceError | null, bytes?: Buffer) => void;

const HELLO = Buffer.from('hello');

function send<Call extends ClientWritableStream<Buffer>>(call: Call): Call {
  for (const byte of HELLO) call.write(Buffer.from([byte]));
  call.end();
  return call;
}

function receive<Call extends ClientReadableStream<Buffer>>(call: Call, answer: Answer): Call {
  const chunks: Buffer[] = [];
  call.on('data', (chunk: Buffer) => chunks.push(chunk));
  call.on('error', (error: ServiceError) => answer(error));
  call.on('end', () => answer(null, Buffer.concat(chunks)));
  return call;
}
