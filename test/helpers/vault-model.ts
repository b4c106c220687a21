import { type VaultTokenEvents, VaultTokenProvider } from 'projected-token/vault';
import { expect } from 'vitest';
import type { FaultyVault, LookupAnswer } from './faulty-vault.js';
import { type Outcome, PendingCalls } from './pending-calls.js';
import { RequestsUnderWay, type SeenRequest } from './requests-under-way.js';
import { ScriptedSource } from './scripted-source.js';

const HOUR_MS = 3_600_000;
/** Time limit of one request; an attempt has three. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** What is true of a provider of Vault tokens, kept beside it: what it told, what it sent, what each caller got. */
export class VaultModel {
  readonly source = new ScriptedSource();
  readonly calls = new PendingCalls();
  readonly provider: VaultTokenProvider;
  isClosed = false;
  #hasStarted = false;
  /** When the outage began that has not ended, on the monotonic clock. */
  failingSinceMs: number | undefined;
  readonly #requests = new RequestsUnderWay((request) => this.calls.note(() => this.#assertMaySend(request)));
  readonly #unconfirmed: number[] = [];
  #lastPath = '';
  #lookup: LookupAnswer | undefined;
  #error: Error | undefined;
  #grants = 0;

  constructor(private readonly vault: FaultyVault) {
    const { source } = this;
    this.provider = new VaultTokenProvider({
      address: vault.server.origin,
      source,
      role: 'app',
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    const on = <Name extends keyof VaultTokenEvents>(name: Name, listener: VaultTokenEvents[Name]) =>
      this.provider.on(name, listener as never);
    const onGrant = () => {
      this.#grants++;
      this.#error = this.failingSinceMs = undefined;
    };
    on('login', onGrant);
    on('renewed', onGrant);
    on('error', (error) => {
      if (this.isClosed) return;
      this.#error = error;
      this.failingSinceMs ??= performance.now();
    });
    on('expired', () => {
      this.calls.note(() => expect(this.provider.status.state, 'told of an expiry').not.toBe('ready'));
    });
    on('closed', () => {
      this.isClosed = true;
    });
  }

  /** Lets everything happen that happens without time. */
  settle = (): Promise<void> => this.#requests.settle(() => this.vault.server.held);

  /** Follows a call for a token; what it gives must be usable at that moment. */
  follow(name: string, timeLimitMs: number, call: Promise<string | undefined>, other?: string): void {
    // A second start gives the promise of the first.
    const isAgain = name === 'start' && this.#hasStarted;
    const wasClosed = this.isClosed && !isAgain;
    if (name === 'start') this.#hasStarted = true;
    this.calls.follow(name, timeLimitMs, call, ({ value, error }: Outcome<string | undefined>) => {
      if (error !== undefined) {
        expect(error.code, `${name}: a typed error`).toMatch(/^ERR_(?:TOKEN|EXCHANGE)_/);
        return;
      }
      expect(wasClosed, `${name} of a closed one`).toBe(false);
      if (value !== undefined) expect(this.vault.isGood(value), `${name}: ${value} has not expired`).toBe(true);
      if (other !== undefined) expect(value, `${name}: another token`).not.toBe(other);
    });
  }

  /** Throws where what the provider says of itself is not true. */
  assertTrue(): void {
    this.calls.assertGood();
    const { state, token, lastError, counts } = this.provider.status;
    const peeked = this.isClosed ? undefined : this.provider.peekToken();
    expect(token !== undefined, 'a token means ready').toBe(state === 'ready');
    expect(peeked !== undefined, 'a token to peek at means ready').toBe(state === 'ready');
    if (this.isClosed) expect(state).toBe('closed');
    else {
      expect(lastError?.message, 'why the last attempt failed').toBe(this.#error?.message);
      // A start that fails closes the provider, which is told when its connections have ended.
      const isClosing = state === 'closed' && this.#hasStarted && lastError !== undefined;
      if (state !== 'ready' && !isClosing) expect(state).toBe(this.#grants === 0 ? 'opening' : 'expired');
    }
    expect(counts.logins + counts.renewals, 'grants').toBe(this.#grants);
    if (peeked === undefined) return;
    expect(this.vault.isGood(peeked), `peekToken: ${peeked} has not expired`).toBe(true);
    // Both clocks were read for it, and dates are whole milliseconds.
    const leftMs = token!.expiresAt!.getTime() - Date.now();
    expect(leftMs, 'the expiry that is shown').toBeLessThanOrEqual(this.vault.leftMs(peeked) + 2);
  }

  async end(): Promise<void> {
    await this.provider.close();
    await this.settle();
    this.#requests.stop();
  }

  #assertMaySend({ path }: SeenRequest): void {
    const isAttempt = /\/(?:login|renew-self)$/;
    if (isAttempt.test(path)) {
      const attempts = this.#requests.paths.filter((other) => isAttempt.test(other));
      expect(attempts, 'logins and renewals under way').toHaveLength(1);
      if (path.endsWith('/login') && this.#lastPath.endsWith('/lookup-self')) this.#countReplacement();
    }
    if (path.endsWith('/lookup-self')) this.#lookup = this.vault.lookup;
    this.#lastPath = path;
  }

  /** A login that follows a look at a rejected token. */
  #countReplacement(): void {
    if (this.#lookup !== 'cannot tell' || this.provider.status.state !== 'ready') return;
    const nowMs = performance.now();
    this.#unconfirmed.push(nowMs);
    const inAnHour = this.#unconfirmed.filter((atMs) => atMs > nowMs - HOUR_MS).length;
    expect(inAnHour, 'logins in an hour for tokens of which Vault does not say that they are bad').toBeLessThanOrEqual(
      12,
    );
  }
}
