/** What is kept: credentials that say until when they are valid. */
interface Expiring {
  readonly expiration?: Date;
}

/** Bounds of the pause after a failure, in milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Keeps giving the last credentials until they expire when no new ones can be had: STS is down, or the pod terminates
 * and the kubelet does not replace its token any more. The SDK asks for new ones in the last five minutes, and would
 * fail at once although the old ones still work.
 *
 * A failed attempt is followed by a pause with full jitter, in which the service is left alone: the SDK asks before
 * every request then, and many pods that lost STS together do not come back together.
 *
 * @param onKept - is told of each failure that credentials were kept in spite of
 */
export function keepUntilExpiry<Parameters extends unknown[], Credentials extends Expiring>(
  provide: (...parameters: Parameters) => Promise<Credentials>,
  onKept: (error: unknown) => void,
): (...parameters: Parameters) => Promise<Credentials> {
  let kept: Credentials | undefined;
  let failures = 0;
  let pauseUntilMs = 0;

  return async (...parameters) => {
    if (Date.now() < pauseUntilMs && isValid(kept)) return kept;
    try {
      kept = await provide(...parameters);
      failures = 0;
      return kept;
    } catch (error) {
      if (!isValid(kept)) throw error;
      const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      failures += 1;
      pauseUntilMs = Date.now() + Math.random() * longestMs;
      onKept(error);
      return kept;
    }
  };
}

function isValid<Credentials extends Expiring>(credentials: Credentials | undefined): credentials is Credentials {
  return credentials?.expiration !== undefined && Date.now() < credentials.expiration.getTime();
}
