import { chmodSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MintOptions, TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import { onTestFinished } from 'vitest';
import { secret, secretToken } from './secrets.js';

/** A volume for the test under way, with nothing in it that may be printed. */
export class SecretVolume extends TokenVolume {
  static forTest(options: Omit<TokenVolumeOptions, 'directory'> = {}): SecretVolume {
    const directory = mkdtempSync(join(tmpdir(), 'token-volume-'));
    // Others may search a mount directory.
    chmodSync(directory, 0o755);
    const volume = new SecretVolume({ directory, ...options });
    onTestFinished(() => {
      // A test may have locked its own user out.
      if (existsSync(directory)) chmodSync(directory, 0o755);
      volume.unmount();
    });
    return volume;
  }

  /** One whose files {@link CommandRunOptions.asNobody} may not read. */
  static unreadableForTest(options: Omit<TokenVolumeOptions, 'directory' | 'mode'> = {}): SecretVolume {
    return SecretVolume.forTest({ ...options, mode: process.getuid?.() === 0 ? 0o600 : 0 });
  }

  /** Writes a new token, and gives it. */
  async rotate(options?: MintOptions): Promise<string> {
    const token = await secretToken(options);
    this.write(token);
    return token;
  }

  override write(content: string | Uint8Array): void {
    super.write(secret(String(content)));
  }
}

/** Before its expiry a token is handed out no more, by default. */
const MARGIN_SECONDS = 10;

/** A token with so many seconds until it is not handed out any more, long past its refresh time. */
export function dyingToken(seconds: number): MintOptions {
  const expiresInSeconds = 3600;
  return { expiresInSeconds, issuedAt: new Date(Date.now() - (expiresInSeconds - MARGIN_SECONDS - seconds) * 1000) };
}
