import { INIT_MEMBERS } from './init-members.js';

type Members = Readonly<Record<string, unknown>>;

/** What a `Request` says of its referrer, as members of an init. */
type Referrer = Pick<RequestInit, 'referrer' | 'referrerPolicy'>;

/**
 * Returns the referrer of a `Request` as members of an init. An init with any member takes the referrer away (Fetch standard, new
 * Request, step 13), and the one that carries the token always has a member.
 *
 * @param init - that of the caller
 * @returns an empty object if fetch would not send the referrer either
 */
export function keptReferrer(input: unknown, init: Members): Referrer {
  const { referrer = CLIENT, referrerPolicy = '' } = Object(input) as Partial<Request>;
  if (referrer === CLIENT && referrerPolicy === '') return {};
  return keepsReferrer((input as object).constructor as typeof Request, init) ? { referrer, referrerPolicy } : {};
}

const CLIENT = 'about:client';

/** Found out by a trial: undici 7 drops it even without an init, and node-fetch never does. */
function keepsReferrer(Own: typeof Request, init: Members): boolean {
  const url = 'http://localhost/';
  // Whatever else is in an init, fetch takes it for an empty one.
  const hasMember = INIT_MEMBERS.some((name) => init[name] !== undefined);
  try {
    return new Own(new Own(url, { referrer: url }), hasMember ? { redirect: 'manual' } : undefined).referrer === url;
  } catch {
    // A class of the program may be made in another way.
    return false;
  }
}
