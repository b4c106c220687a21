import { TokenExchangeError } from '../errors.js';
import type { HttpAnswer } from '../internal/http-client.js';
import { printable } from '../internal/printable.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import { describeToken } from '../token/describe-token.js';
import { comeAgain, isPassing } from './oauth-answer-error.js';
import type { ResolvedOAuthOptions } from './oauth-options.js';

/** Reasons for which a server rejects a request. */
type Matter = 'trust' | 'audience' | 'subject' | 'client' | 'scope' | 'target' | 'time' | 'reuse' | 'grant' | 'request';

/** A rejected request. */
export interface RefusedRequest {
  readonly answer: HttpAnswer;
  readonly endpoint: URL;
  /** The service account token that was sent. */
  readonly jwt: string;
  /** Texts in the request that no message may quote. */
  readonly secrets: readonly string[];
}

/** Errors of a request that the server understood and denied (RFC 6749 sections 4.1.2.1 and 5.2). */
const DENIALS = ['invalid_client', 'invalid_grant', 'unauthorized_client', 'access_denied', 'invalid_token'];

/** Words by which servers describe the reason, by precedence: a text about an audience may also name the client. */
const WORDS: readonly (readonly [Matter, RegExp])[] = [
  ['reuse', /\bonly (?:be )?used once\b|\breuse|\breplay|\bjti\b/],
  ['audience', /\baud\b|\baudience/],
  ['time', /\bexpir|\btime range\b|\bstale\b|\bnot active\b|\bnot yet valid\b|\blifetime\b|\biat\b|\bnbf\b/],
  ['subject', /\bsubject\b|\bsub\b|\buser not found\b/],
  ['trust', /\bissuer\b|\biss\b|\bsignature\b|\bkeys?\b|\bkid\b|\bjwks\b|\bidentity provider\b|\btrusted\b/],
  ['scope', /\bscopes?\b/],
  ['target', /\bresource\b|\btarget\b/],
  ['grant', /\bgrant\b|\bgrant_type\b/],
  ['client', /\bclients?\b|\bapplication\b/],
];

/** Likely reasons by error code, for descriptions that say no more. */
const CODES: Readonly<Record<string, readonly Matter[]>> = {
  // Many servers answer with this code for any of these reasons.
  invalid_client: ['client', 'subject', 'trust', 'audience'],
  invalid_grant: ['trust', 'audience', 'subject', 'time'],
  invalid_token: ['trust', 'audience', 'subject', 'time'],
  unauthorized_client: ['client', 'grant'],
  access_denied: ['client', 'scope'],
  invalid_scope: ['scope'],
  invalid_target: ['target'],
  unsupported_grant_type: ['grant'],
};

/** Returns the error for a rejected request, with what to check. */
export function refusalError(refused: RefusedRequest, options: ResolvedOAuthOptions): TokenExchangeError {
  const { answer, endpoint, jwt, secrets } = refused;
  const { status } = answer;
  const { error, description } = parseError(answer.text, secrets);
  const says = error === undefined ? '' : ` ${error}${description === '' ? '' : ` (${description})`}`;
  if (isPassing(status) || error === 'temporarily_unavailable' || error === 'server_error') {
    return comeAgain(endpoint, answer, says);
  }
  const at = `${endpoint.origin}${endpoint.pathname}`;
  if (error === undefined) {
    return new TokenExchangeError(
      status === 401 || status === 403 ? 'ERR_EXCHANGE_DENIED' : 'ERR_EXCHANGE_INVALID',
      `${at} answers ${status} without an OAuth 2.0 error code. Check the option "issuer" or "tokenEndpoint", and any proxy in between.`,
      { status },
    );
  }
  const matters = mattersOf(error, description);
  const advice = matters.map((matter) => ADVICE[matter](options)).join(' ');
  // RFC 8693 section 2.2.2: the error for an invalid token is invalid_request.
  const isDenied = DENIALS.includes(error) || (options.grant === 'token-exchange' && error === 'invalid_request');
  return new TokenExchangeError(
    isDenied ? 'ERR_EXCHANGE_DENIED' : 'ERR_EXCHANGE_INVALID',
    `The authorization server rejects the token request at ${at}: ${status}${says}. ${advice} The token ${describeToken(jwt)}.`,
    { status, oauthError: error },
  );
}

const ADVICE: Readonly<Record<Matter, (options: ResolvedOAuthOptions) => string>> = {
  trust: () => 'Trust: the server must trust the issuer of the token and be able to fetch its keys.',
  audience: () =>
    'Audience: set serviceAccountToken.audience in the pod manifest to the audience that the server expects, often its issuer URL.',
  subject: () =>
    'Subject: the server must know the service account of the token as a client or user (serviceAccountName).',
  client: ({ clientId }) =>
    `Client: ${clientId === undefined ? 'set the option "clientId" where the server needs it' : `the client "${clientId}" must exist`}, and be set up for this kind of authentication.`,
  scope: ({ parameters }) => `Scope: the option "scope" asks for "${parameters.get('scope') ?? ''}".`,
  target: () => 'Target: check the options "audience" and "resource".',
  time: () =>
    'Time: compare the clocks, and check whether the server limits the lifetime of tokens (expirationSeconds).',
  reuse: () =>
    'Reuse: the server accepts each token only once, but a pod has the same token until its rotation. Allow reuse at the server.',
  grant: ({ grant }) => `Grant: the server or the client does not allow the grant "${grant}".`,
  request: () => 'Request: check the options "grant", "parameters" and those of the token types.',
};

function mattersOf(error: string, description: string): readonly Matter[] {
  // Without quoted parts: a name or an address may contain any word.
  const words = description.toLowerCase().replace(/'[^']*'|"[^"]*"|\[[^\]]*\]|\S+:\/\/\S+/g, ' ');
  const told = WORDS.find(([, pattern]) => pattern.test(words))?.[0];
  const usual = CODES[error] ?? ['request'];
  // "Invalid client" adds nothing to invalid_client.
  return told === undefined || (told === 'client' && error === 'invalid_client') ? usual : [told];
}

function parseError(text: string, secrets: readonly string[]): { error: string | undefined; description: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const { error, error_description: description } = (body ?? {}) as { error?: unknown; error_description?: unknown };
  const safe = (value: unknown) =>
    typeof value === 'string' ? printable(withoutSecrets(value, secrets).replace(/\s+/g, ' ').trim(), 300) : '';
  return { error: safe(error) || undefined, description: safe(description).replace(/\.$/, '') };
}
