import { codeOf, HttpError } from './http-error.js';
import { isError } from './is-error.js';
import { printable } from './printable.js';
import { withoutSecrets } from './without-secrets.js';

/** What a failure is described by, besides the error. */
export interface FailureContext {
  /** Whether the option `ca` is set. */
  readonly hasCa: boolean;
  /** Whether a proxy of the environment may have been in between. */
  readonly mayUseProxy: boolean;
  /** What was sent: no piece of it gets into the message. */
  readonly sent: readonly string[];
}

interface Clause {
  readonly why: string;
  readonly advice?: string;
  readonly isPermanent?: boolean;
}

/** OpenSSL's verification codes (X509_V_ERR_…) for a chain that does not end at a trusted certificate. */
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);
/** The other verification codes that Node gives (node src/crypto/crypto_common.cc, X509ErrorCode). */
const BAD_CERTIFICATE =
  /^(?:CERT_|CRL_|ERROR_IN_C|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|UNABLE_TO_(?:GET_CRL|DECRYPT|DECODE))/;
/** A TLS alert of the server about the certificate of the client, or the lack of one (RFC 8446 section 6.2). */
const CLIENT_CERTIFICATE_ALERT = /^ERR_SSL_.*ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/;

/** Codes of Node and undici for which the words are always the same. */
const CLAUSES: Readonly<Record<string, Clause>> = {
  ECONNREFUSED: { why: 'nothing listens there' },
  ENOTFOUND: { why: 'the host name cannot be resolved' },
  EAI_AGAIN: { why: 'the DNS server does not answer' },
  EHOSTUNREACH: { why: 'there is no route to the host', advice: 'Check the network policy.' },
  ENETUNREACH: { why: 'there is no route to the network', advice: 'Check the network policy.' },
  ETIMEDOUT: { why: 'the connection timed out', advice: 'Check the network policy.' },
  UND_ERR_CONNECT_TIMEOUT: { why: 'the connection timed out', advice: 'Check the network policy.' },
  ECONNRESET: { why: 'the connection was closed before the end of the answer' },
  EPIPE: { why: 'the connection was closed before the end of the answer' },
  UND_ERR_SOCKET: { why: 'the connection was closed before the end of the answer' },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { why: 'the connection was closed before the end of the answer' },
  UND_ERR_HEADERS_OVERFLOW: { why: 'the headers of the answer are too long' },
  // undici asserts what an answer must be like.
  ERR_ASSERTION: { why: 'the answer is not HTTP/1.1' },
  CERT_HAS_EXPIRED: { why: 'the certificate has expired', isPermanent: true },
  CERT_NOT_YET_VALID: { why: 'the certificate is not valid yet', advice: 'Compare the clocks.', isPermanent: true },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: 'the certificate is for another host name',
    advice: 'Check the address, or set the option "serverName".',
    isPermanent: true,
  },
  UND_ERR_PRX_TLS: { why: 'the certificate of the proxy is for another host name', isPermanent: true },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    why: 'the server does not speak TLS on that port',
    advice: 'Check the address.',
    isPermanent: true,
  },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: {
    why: 'the server does not speak TLS on that port',
    advice: 'Check the address.',
    isPermanent: true,
  },
};

/** Returns whether a failure is about certificates, so that others may help. */
export function isAboutCertificates(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return UNKNOWN_AUTHORITY.has(code) || BAD_CERTIFICATE.test(code) || CLIENT_CERTIFICATE_ALERT.test(code);
}

/** Describes a failure for people. */
export function describeFailure(error: unknown, context: FailureContext): HttpError {
  if (error instanceof HttpError) return error;
  const code = codeOf(error);
  const { why, advice, isPermanent } = clauseOf(error, code, context);
  const proxy = context.mayUseProxy ? 'A proxy of the environment may be in between (NODE_USE_ENV_PROXY).' : undefined;
  const sentences = [`${why}${code === undefined ? '' : ` (${code})`}.`, advice, proxy];
  return new HttpError(sentences.filter((sentence) => sentence !== undefined).join(' '), { code, isPermanent });
}

function clauseOf(error: unknown, code = '', { hasCa, sent }: FailureContext): Clause {
  if (UNKNOWN_AUTHORITY.has(code)) {
    const advice = hasCa ? 'The option "ca" does not hold the one that signed it.' : 'Set the option "ca".';
    return { why: 'the certificate is signed by an unknown authority', advice, isPermanent: true };
  }
  const message = isError(error) ? error.message : '';
  if (/bad upgrade/.test(message)) return { why: 'the server switches to another protocol instead of answering' };
  const proxyStatus = /^Proxy response \((\d+)\)/.exec(message)?.[1];
  if (proxyStatus !== undefined) return { why: `the proxy answers ${proxyStatus} to CONNECT` };
  const known = CLAUSES[code];
  if (known !== undefined) return known;
  if (CLIENT_CERTIFICATE_ALERT.test(code)) {
    const advice = 'Check the option "clientCertificate".';
    return { why: 'the server does not accept the certificate of this client', advice, isPermanent: true };
  }
  if (BAD_CERTIFICATE.test(code)) return { why: 'the certificate is not accepted', isPermanent: true };
  if (isError(error) && error.name === 'HTTPParserError') {
    return { why: 'the answer is not HTTP/1.1', advice: 'Check the address and its scheme.' };
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    return { why: `the request cannot be sent: ${quotable(message, sent)}`, isPermanent: true };
  }
  return { why: quotable(message, sent) || 'the request failed' };
}

function quotable(message: string, sent: readonly string[]): string {
  return printable(withoutSecrets(message, sent), 200).replace(/\.$/, '');
}
