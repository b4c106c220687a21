import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { WaitCommand } from './arguments.js';
import { inCommandWords } from './command-words.js';
import { fromNow } from './lifetime.js';
import { onInterrupt, printableJson, type Terminal, wrap } from './terminal.js';

/** Runs `wait`: returns when there is an acceptable token; prints the reason for the wait on stderr. */
export async function waitForToken(command: WaitCommand, terminal: Terminal): Promise<number> {
  const { stdout, stderr } = terminal;
  const say = (text: string) => stderr.write(`${wrap(printable(text), stderr, 2)}\n`);
  const interrupt = new AbortController();
  onInterrupt(terminal, () => interrupt.abort());
  const provider = new ProjectedTokenProvider({
    ...command,
    readyTimeoutMs: command.timeoutSeconds * 1000,
    signal: interrupt.signal,
  });
  let told: string | undefined;
  provider.on('rejected', ({ error }) => {
    told = error.message;
    say(`waiting: ${inCommandWords(told)}`);
  });
  try {
    const token = (await provider.start()).current!;
    const expires = token.expiresAt && `, expires ${fromNow(token.expiresAt, Date.now())}`;
    say(`token ${token.fingerprint} is acceptable${expires ?? ''}`);
    const value = command.showToken ? token.value : undefined;
    if (command.json) stdout.write(`${printableJson({ token, value })}\n`);
    else if (value !== undefined) stdout.write(`${value}\n`);
    return 0;
  } catch (error) {
    if (!isProjectedTokenError(error)) throw error;
    const { code } = error;
    const message = inCommandWords(error.message);
    if (interrupt.signal.aborted) {
      say('projected-token: interrupted');
    } else {
      const when = command.timeoutSeconds === 0 ? '' : ` after ${command.timeoutSeconds} s`;
      const why = error.message === told ? '' : ` ${message}`;
      say(`projected-token: no acceptable token${when} (${code}).${why}`);
    }
    if (command.json) stdout.write(`${printableJson({ error: { code, message } })}\n`);
    return 1;
  } finally {
    await provider.close();
  }
}
