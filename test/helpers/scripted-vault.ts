import { Readable } from 'node:stream';
import type { RequestDispatcher } from 'projected-token/vault';

/** A Vault behind a dispatcher, which grants one token and renews it, or answers with another status. */
export class ScriptedVault {
  /** Status of the answers. */
  status = 200;
  leaseSeconds = 3600;
  /** The service account token that logs in. */
  readonly jwt = 'c2VydmljZQ.YWNjb3VudA.dG9rZW4';
  /** The Vault token. */
  readonly token = 'hvs.CAESIJ7aVault';

  readonly dispatcher: RequestDispatcher = {
    request: async () => {
      const auth = {
        client_token: this.token,
        lease_duration: this.leaseSeconds,
        renewable: true,
        policies: ['shop'],
        token_type: 'service',
      };
      const body = this.status === 200 ? { auth } : { errors: ['Vault is sealed'] };
      return { statusCode: this.status, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) };
    },
  };
}
