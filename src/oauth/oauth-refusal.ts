import { TokenExchangeError } from '../errors.js';
import type { HttpAnswer } from '../internal/http-client.js';
import { printable } from '../internal/printable.js';
import { withoutSecrets } from '../internal/without-secrets.js';
import { describeToken } from '../token/describe-token.js';
import { comeAgain, isPassing } from './oauth-answer-error.js';
import type { ResolvedOAuthOptions } from './oauth-options.js';

/** What a refusal can be about. */
type Matter = 'trust' | 'audience' | 'subject' | 'client' | 'scope' | 'target' | 'time' | 'reuse' | 'grant' | 'request';

/** A request that was refused, and what it was made of. */
export interface RefusedRequest {
  readonly answer: HttpAnswer;
  readonly endpoint: URL;
  /** The service account token that was sent. */
  readonly jwt: string;
  /** All that was sent and that no message may quote. */
  readonly secrets: readonly string[];
}

/** Errors that deny a request which the server has understood (RFC 6749 sections 4.1.2.1 and 5.2). */
const DENIALS = ['invalid_client', 'invalid_grant', 'unauthorized_client', 'access_denied', 'invalid_token'];

/** Words by which servers tell what is wrong, in the order in which they count: a text about an audience may name the client too. */
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

/** What an error code is about where the description does not say more. */
const CODES: Readonly<Record<string, readonly Matter[]>> = {
  // Many servers tell no more than this, whichever of these is wrong.
  invalid_client: ['client', 'subject', 'trust', 'audience'],
  invalid_grant: ['trust', 'audience', 'subject', 'time'],
  invalid_token: ['trust', 'audience', 'subject', 'time'],
  unauthorized_client: ['client', 'grant'],
  access_denied: ['client', 'scope'],
  invalid_scope: ['scope'],
  invalid_target: ['target'],
  unsupported_grant_type: ['grant'],
};

/** Says what a server refuses, and what to check. */
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
      `${at} answers ${status}, without an error of OAuth 2.0. Check the option "issuer" or "tokenEndpoint", and what is between here and there.`,
      { status },
    );
  }
  const matters = mattersOf(error, description);
  const advice = matters.map((matter) => ADVICE[matter](options)).join(' ');
  // RFC 8693 section 2.2.2: a token that is not good is an invalid request.
  const isDenied = DENIALS.includes(error) || (options.grant === 'token-exchange' && error === 'invalid_request');
  return new TokenExchangeError(
    isDenied ? 'ERR_EXCHANGE_DENIED' : 'ERR_EXCHANGE_INVALID',
    `The authorization server rejects the token request at ${at}: ${status}${says}. ${advice} The token ${describeToken(jwt)}.`,
    { status, oauthError: error },
  );
}

const ADVICE: Readonly<Record<Matter, (options: ResolvedOAuthOptions) => string>> = {
  trust: () => 'Trust: the server must know the issuer of the token, and be able to fetch its keys.',
  audience: () =>
    'Audience: serviceAccountToken.audience in the pod manifest must be the one that the server expects, often its issuer.',
  subject: () =>
    'Subject: the server must know the service account of the token as a client or user (serviceAccountName).',
  client: ({ clientId }) =>
    `Client: ${clientId === undefined ? 'set the option "clientId" where the server needs it' : `the client "${clientId}" must exist`}, and be set up for this kind of authentication.`,
  scope: ({ parameters }) => `Scope: the option "scope" asks for "${parameters.get('scope') ?? ''}".`,
  target: () => 'Target: check the options "audience" and "resource".',
  time: () => 'Time: compare the clocks, and whether the server limits how long a token may live (expirationSeconds).',
  reuse: () =>
    'Reuse: the server takes each token once, and a pod has the same one until it is rotated. Allow the reuse at the server.',
  grant: ({ grant }) => `Grant: the server or the client does not allow the grant "${grant}".`,
  request: () => 'Request: check the options "grant", "parameters" and those of the token types.',
};

function mattersOf(error: string, description: string): readonly Matter[] {
  // Not what is quoted: a name or an address may contain any word.
  const words = description.toLowerCase().replace(/'[^']*'|"[^"]*"|\[[^\]]*\]|\S+:\/\/\S+/g, ' ');
  const told = WORDS.find(([, pattern]) => pattern.test(words))?.[0];
  const usual = CODES[error] ?? ['request'];
  // "Invalid client" of invalid_client tells nothing more.
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
