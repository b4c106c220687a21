import nodeFs from 'node:fs';
import { resolve } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import { MAX_TIMER_MS, numberIn, requiredText } from '../internal/option-checks.js';
import type { TokenExpectation } from '../token/acceptance.js';
import type { TokenVerificationKey } from '../token/verify-signature.js';
import type { TokenFileSystem } from '../volume/token-file-system.js';

/** Where a pod's projected tokens are mounted by convention: the mount path of the Kubernetes and OpenShift documentation. */
export const DEFAULT_TOKEN_DIRECTORY = '/var/run/secrets/tokens';

/** Options of {@link ProjectedTokenProvider.open}. */
export interface ProjectedTokenProviderOptions {
  /**
   * The token file, or the mount directory of a volume that holds exactly one token.
   *
   * @default '/var/run/secrets/tokens'
   */
  readonly path?: string | undefined;
  /**
   * Audience that the token must carry; of a list, at least one.
   *
   * @default any audience
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Issuer that the token must come from; of a list, one.
   *
   * @default any issuer
   */
  readonly issuer?: string | readonly string[] | undefined;
  /**
   * Subject that the token must be for, `system:serviceaccount:<namespace>:<name>`; of a list, one.
   *
   * @default any subject
   */
  readonly subject?: string | readonly string[] | undefined;
  /**
   * How far the clocks of this node and of the API server may differ when a token is not valid yet, in seconds, from 0 on.
   * It never prolongs a token's life.
   *
   * @default 60, as the API server's own (go-jose DefaultLeeway)
   */
  readonly clockToleranceSeconds?: number | undefined;
  /**
   * Stops handing out the token this long before its expiry, in seconds, from 0 on: a request takes time to arrive.
   *
   * @default 10
   */
  readonly expiryMarginSeconds?: number | undefined;
  /**
   * Pause between two reads of the file, in milliseconds, from 1 to 2147483647. The safety net under the directory's
   * events; once the token's refresh time has passed, or while the file holds none, the pause is at most a second.
   *
   * @default 10_000
   */
  readonly pollIntervalMs?: number | undefined;
  /**
   * How long `open` waits for a first acceptable token, in milliseconds; with 0 it reads the file once.
   *
   * @default 10_000
   */
  readonly readyTimeoutMs?: number | undefined;
  /**
   * Whether `open` waits for a first acceptable token, and rejects when none came within `readyTimeoutMs`.
   *
   * With `false` it resolves after its first read of the file (within seconds, also when the volume does not answer), with a
   * provider that may not be ready: `status.state` is `opening`, `getToken` rejects with the reason, and `recovered` is
   * emitted when the first token comes. For a service that answers probes meanwhile: alive, and not ready.
   *
   * @default true
   */
  readonly waitForToken?: boolean | undefined;
  /**
   * Key or key-set function of jose (`createLocalJWKSet`, `createRemoteJWKSet`, a `CryptoKey`, …) to check the signature of
   * each candidate with. The recipient of a token checks it in any case; set this if you distrust your own volume.
   *
   * @default no check
   */
  readonly verify?: TokenVerificationKey | undefined;
  /**
   * The file system: `node:fs`, or one like it such as memfs. Where it is not given, the directory is watched with chokidar;
   * where it is, with its own `watch`. Operations on one directory of a file system given here run one after the other; on
   * Linux `node:fs` does so for each mounted file system, so that one that does not answer holds one thread of the pool.
   *
   * @default node:fs
   */
  readonly fs?: TokenFileSystem | undefined;
  /** Ends the wait of `open`, and closes the provider later, when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** The options with every default filled in. */
export interface ResolvedProviderOptions {
  readonly path: string;
  readonly expectation: TokenExpectation;
  readonly pollIntervalMs: number;
  readonly readyTimeoutMs: number;
  readonly waitForToken: boolean;
  readonly verify: TokenVerificationKey | undefined;
  readonly fs: TokenFileSystem;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options and fills in the defaults; throws `ERR_TOKEN_OPTION`. */
export function resolveProviderOptions(options: ProjectedTokenProviderOptions): ResolvedProviderOptions {
  const { path = DEFAULT_TOKEN_DIRECTORY, waitForToken = true } = options;
  if (typeof waitForToken !== 'boolean') {
    throw new InvalidOptionError('waitForToken', 'The option "waitForToken" must be true or false.');
  }
  return {
    path: resolve(requiredText('path', path, 'the path of a token file or of a mount directory')),
    expectation: {
      audiences: stringList('audience', options.audience),
      issuers: stringList('issuer', options.issuer),
      subjects: stringList('subject', options.subject),
      clockToleranceSeconds: numberIn('clockToleranceSeconds', options.clockToleranceSeconds, 60, 0, 86_400),
      expiryMarginSeconds: numberIn('expiryMarginSeconds', options.expiryMarginSeconds, 10, 0, 86_400),
    },
    pollIntervalMs: numberIn('pollIntervalMs', options.pollIntervalMs, 10_000, 1, MAX_TIMER_MS),
    readyTimeoutMs: numberIn('readyTimeoutMs', options.readyTimeoutMs, 10_000, 0, MAX_TIMER_MS),
    waitForToken,
    verify: options.verify,
    fs: options.fs ?? nodeFs,
    signal: options.signal,
  };
}

function stringList(option: string, value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0 || list.some((item) => typeof item !== 'string' || item === '')) {
    throw new InvalidOptionError(
      option,
      `The option "${option}" must be a non-empty string or a list of such. Leave it out to accept any.`,
    );
  }
  return [...list];
}
