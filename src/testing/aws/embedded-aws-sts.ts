import { randomBytes, randomUUID } from 'node:crypto';
import { checkFederatedToken, type FederatedTokenFault, type TrustedIssuer } from '../federated-token.js';
import { FederationServer } from '../federation-server.js';
import type { LoopbackRequest, LoopbackResponse } from '../loopback-server.js';
import { type AwsAuthorization, parseAwsAuthorization } from './aws-signature.js';

/** Options of {@link EmbeddedAwsSts.start}. */
export interface EmbeddedAwsStsOptions {
  /** The cluster whose tokens are accepted: the IAM OIDC provider of the account. */
  readonly trust: TrustedIssuer;
  /** Audiences of that OIDC provider. @default `['sts.amazonaws.com']` */
  readonly audiences?: readonly string[];
  /** Trust policies: which subjects may assume which role. @default everyone may assume every role */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
}

/** An error that STS answers with. */
export interface AwsStsError {
  /** As in the XML element `Code`, such as `IDPCommunicationError`. */
  readonly code: string;
  readonly message: string;
  /** Default: 400. */
  readonly status?: number;
}

interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
  readonly arn: string;
  readonly userId: string;
}

/**
 * A stand-in for the AWS Security Token Service on 127.0.0.1: `AssumeRoleWithWebIdentity` and `GetCallerIdentity`, in
 * XML or, when asked for `application/json`, in JSON. It checks what AWS checks: issuer, signature, audience and
 * expiry of the web identity token; Signature Version 4, session token and expiry of the credentials that it gave out.
 *
 * @example
 * ```ts
 * const sts = await EmbeddedAwsSts.start({ trust: issuer });
 * const credentials = fromProjectedToken({ source, roleArn, clientConfig: { endpoint: sts.origin } });
 * await sts.close();
 * ```
 */
export class EmbeddedAwsSts extends FederationServer<AwsStsError> {
  readonly #options: EmbeddedAwsStsOptions;
  readonly #sessions = new Map<string, Session>();
  /** How many `GetCallerIdentity` were asked for. */
  callerIdentityRequests = 0;

  private constructor(options: EmbeddedAwsStsOptions) {
    super();
    this.#options = options;
  }

  static async start(options: EmbeddedAwsStsOptions): Promise<EmbeddedAwsSts> {
    return new EmbeddedAwsSts(options).listen();
  }

  protected async handle(request: LoopbackRequest): Promise<LoopbackResponse> {
    const parameters = new URLSearchParams(request.method === 'POST' ? request.body : request.url.search);
    const action = parameters.get('Action') ?? '';
    const reply = new Reply(request.headers.accept === 'application/json');
    try {
      switch (action) {
        case 'AssumeRoleWithWebIdentity':
          return reply.result(action, await this.#assumeRole(parameters));
        case 'GetCallerIdentity':
          return reply.result(action, this.#callerIdentity(request));
        default:
          throw refusal('InvalidAction', `Could not find operation ${action} for version 2011-06-15`);
      }
    } catch (error) {
      if (error instanceof Refusal) return reply.error(error.details);
      throw error;
    }
  }

  protected codeOf(refusal: AwsStsError): string {
    return refusal.code;
  }

  async #assumeRole(parameters: URLSearchParams): Promise<Record<string, unknown>> {
    const token = parameters.get('WebIdentityToken') ?? '';
    let result: Record<string, unknown> = {};
    const details = await this.decide(token, async () => {
      try {
        result = await this.#grant(token, parameters);
        return undefined;
      } catch (error) {
        if (error instanceof Refusal) return error.details;
        throw error;
      }
    });
    if (details !== undefined) throw new Refusal(details);
    return result;
  }

  async #grant(token: string, parameters: URLSearchParams): Promise<Record<string, unknown>> {
    const { trust, roles, audiences = ['sts.amazonaws.com'] } = this.#options;
    const roleArn = parameters.get('RoleArn') ?? '';
    const sessionName = parameters.get('RoleSessionName') ?? '';
    const seconds = Number(parameters.get('DurationSeconds') ?? 3600);
    const role = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(roleArn);
    if (role === null) throw refusal('ValidationError', `${roleArn} is invalid`);
    if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) throw refusal('ValidationError', 'The role session name is invalid');
    if (!(seconds >= 900 && seconds <= 43_200)) {
      throw refusal('ValidationError', 'The requested DurationSeconds is not between 900 and 43200');
    }
    const { claims, fault } = await checkFederatedToken(token, trust, audiences);
    if (fault !== undefined) throw faultRefusal(fault, claims);
    if (roles !== undefined && !roles[roleArn]?.includes(claims.sub ?? '')) {
      throw refusal('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403);
    }
    const [, account, roleName] = role;
    const userId = `AROA${randomId()}:${sessionName}`;
    const arn = `arn:aws:sts::${account}:assumed-role/${roleName}/${sessionName}`;
    const session: Session = {
      accessKeyId: `ASIA${randomId()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(96).toString('base64'),
      expiresAtMs: Date.now() + seconds * 1000,
      arn,
      userId,
    };
    this.#sessions.set(session.accessKeyId, session);
    const providerHost = trust.issuer.replace('https://', '');
    return {
      Audience: [claims.aud].flat()[0],
      AssumedRoleUser: { AssumedRoleId: userId, Arn: arn },
      Provider: `arn:aws:iam::${account}:oidc-provider/${providerHost}`,
      SubjectFromWebIdentityToken: claims.sub,
      Credentials: {
        AccessKeyId: session.accessKeyId,
        SecretAccessKey: session.secretAccessKey,
        SessionToken: session.sessionToken,
        Expiration: new Date(session.expiresAtMs),
      },
    };
  }

  #callerIdentity(request: LoopbackRequest): Record<string, unknown> {
    this.callerIdentityRequests += 1;
    const authorization: AwsAuthorization | undefined = parseAwsAuthorization(request);
    if (authorization === undefined) {
      throw refusal('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
    }
    const session = this.#sessions.get(authorization.accessKeyId);
    if (session === undefined || request.headers['x-amz-security-token'] !== session.sessionToken) {
      throw refusal('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
    }
    if (!authorization.isSignedWith(session.secretAccessKey)) {
      throw refusal(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided.',
        403,
      );
    }
    if (session.expiresAtMs <= Date.now()) {
      throw refusal('ExpiredToken', 'The security token included in the request is expired', 403);
    }
    return { UserId: session.userId, Account: session.arn.split(':')[4], Arn: session.arn };
  }
}

class Refusal extends Error {
  constructor(readonly details: AwsStsError) {
    super(details.message);
  }
}

function refusal(code: string, message: string, status = 400): Refusal {
  return new Refusal({ code, message, status });
}

// Codes of the STS API reference, AssumeRoleWithWebIdentity; the texts are what AWS is known to answer.
function faultRefusal(fault: FederatedTokenFault, claims: { iss?: string; exp?: number }): Refusal {
  switch (fault) {
    case 'malformed':
      return refusal('InvalidIdentityToken', 'The ID Token provided is not a valid JWT.');
    case 'issuer':
      return refusal('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${claims.iss}`);
    case 'signature':
      return refusal('InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider");
    case 'audience':
      return refusal('InvalidIdentityToken', 'Incorrect token audience');
    case 'expired': {
      const now = Math.floor(Date.now() / 1000);
      const text = `Token expired: current date/time ${now} must be before the expiration date/time ${claims.exp}`;
      return refusal('ExpiredTokenException', text);
    }
  }
}

class Reply {
  readonly #json: boolean;
  readonly #requestId = randomUUID();

  constructor(json: boolean) {
    this.#json = json;
  }

  result(action: string, result: Record<string, unknown>): LoopbackResponse {
    return this.#reply(200, {
      [`${action}Response`]: { [`${action}Result`]: result, ResponseMetadata: { RequestId: this.#requestId } },
    });
  }

  error({ code, message, status = 400 }: AwsStsError): LoopbackResponse {
    const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message };
    if (this.#json) return this.#reply(status, { Error: error, RequestId: this.#requestId });
    return this.#reply(status, { ErrorResponse: { Error: error, RequestId: this.#requestId } });
  }

  #reply(status: number, content: Record<string, unknown>): LoopbackResponse {
    const contentType = this.#json ? 'application/json' : 'text/xml';
    const headers = { 'content-type': contentType, 'x-amzn-requestid': this.#requestId };
    return { status, headers, body: this.#json ? JSON.stringify(content, secondsOfDates) : `${xml(content, true)}\n` };
  }
}

// JSON gives times in seconds, XML in ISO 8601. A replacer sees a Date as the string of its toJSON, so look at the holder.
function secondsOfDates(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Date ? Math.floor(original.getTime() / 1000) : value;
}

function xml(content: Record<string, unknown>, isRoot = false): string {
  const namespace = isRoot ? ' xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' : '';
  return Object.entries(content)
    .map(([name, value]) => `<${name}${namespace}>${xmlValue(value)}</${name}>`)
    .join('');
}

function xmlValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) return xml(value as Record<string, unknown>);
  return String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function randomId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}
