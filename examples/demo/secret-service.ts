import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { TokenIssuer } from 'projected-token/testing';

/**
 * A service like Vault that takes bound tokens: checks signature, audience and expiry, and that the token is the newest one.
 * Answers a secret, or 401.
 */
export class SecretService {
  #accepted: string | undefined;

  private constructor(
    private readonly issuer: TokenIssuer,
    private readonly audience: string,
    private readonly server: Server,
  ) {}

  static async start(options: { issuer: TokenIssuer; audience: string }): Promise<SecretService> {
    const server = createServer();
    // No idle connection is closed while a client may be about to use it.
    server.keepAliveTimeout = 3_600_000;
    const service = new SecretService(options.issuer, options.audience, server);
    const keys = createLocalJWKSet(options.issuer.jwks as never);
    server.on('request', async (request, response) => {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (await service.#isGood(token, keys)) {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"data":{"password":"correct horse"}}');
      } else {
        response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on, every other token is refused, those of requests under way as well. */
  acceptOnly(token: string): void {
    this.#accepted = token;
  }

  async #isGood(token: string, keys: ReturnType<typeof createLocalJWKSet>): Promise<boolean> {
    try {
      await jwtVerify(token, keys, { issuer: this.issuer.issuer, audience: this.audience, algorithms: ['ES256'] });
    } catch {
      return false;
    }
    // After the verification: the answer given now must be right now.
    return token === this.#accepted;
  }
}
