import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { Command } from './arguments.js';
import { fromNow } from './lifetime.js';
import { type Terminal, wrap } from './terminal.js';

type WaitCommand = Extract<Command, { name: 'wait' }>;

/** `wait`: returns when an acceptable token is there; says on stderr what it waits for. */
export async function waitForToken(command: WaitCommand, terminal: Terminal): Promise<number> {
  const { stdout, stderr } = terminal;
  const say = (text: string) => stderr.write(`${wrap(printable(text), stderr, 2)}\n`);
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  terminal.once('SIGINT', onSignal);
  terminal.once('SIGTERM', onSignal);
  const provider = new ProjectedTokenProvider({
    ...command,
    readyTimeoutMs: command.timeoutSeconds * 1000,
    signal: interrupt.signal,
  });
  let told: string | undefined;
  provider.on('rejected', ({ error }) => {
    told = error.message;
    say(`waiting: ${told}`);
  });
  try {
    const token = (await provider.start()).current!;
    const expires = token.expiresAt && `, expires ${fromNow(token.expiresAt, Date.now())}`;
    say(`token ${token.fingerprint} is acceptable${expires ?? ''}`);
    if (command.showToken) stdout.write(`${token.value}\n`);
    return 0;
  } catch (error) {
    if (!isProjectedTokenError(error)) throw error;
    if (interrupt.signal.aborted) {
      say('projected-token: interrupted');
    } else {
      const when = command.timeoutSeconds === 0 ? '' : ` after ${command.timeoutSeconds} s`;
      const why = error.message === told ? '' : ` ${error.message}`;
      say(`projected-token: no acceptable token${when} (${error.code}).${why}`);
    }
    return 1;
  } finally {
    terminal.off('SIGINT', onSignal);
    terminal.off('SIGTERM', onSignal);
    await provider.close();
  }
}
