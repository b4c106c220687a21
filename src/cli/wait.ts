import { ProjectedTokenError } from '../errors.js';
import { ProjectedTokenProvider } from '../projected-token-provider.js';
import type { Command } from './arguments.js';
import { fromNow } from './lifetime.js';
import { printable, type Terminal } from './terminal.js';

type WaitCommand = Extract<Command, { name: 'wait' }>;

/** `wait`: returns when an acceptable token is there; says on stderr what it waits for. */
export async function waitForToken(command: WaitCommand, terminal: Terminal): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  terminal.once('SIGINT', onSignal);
  terminal.once('SIGTERM', onSignal);
  const provider = new ProjectedTokenProvider({
    ...command,
    readyTimeoutMs: command.timeoutSeconds * 1000,
    signal: interrupt.signal,
  });
  provider.on('rejected', ({ error }) => terminal.stderr.write(`waiting: ${printable(error.message)}\n`));
  try {
    const token = (await provider.start()).current!;
    const expires = token.expiresAt && `, expires ${fromNow(token.expiresAt, Date.now())}`;
    terminal.stderr.write(`token ${token.fingerprint} is acceptable${expires ?? ''}\n`);
    if (command.showToken) terminal.stdout.write(`${token.value}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ProjectedTokenError)) throw error;
    const why = interrupt.signal.aborted ? 'interrupted' : `no acceptable token after ${command.timeoutSeconds} s`;
    terminal.stderr.write(`projected-token: ${why}: ${error.code}\n${printable(error.message)}\n`);
    return 1;
  } finally {
    terminal.off('SIGINT', onSignal);
    terminal.off('SIGTERM', onSignal);
    await provider.close();
  }
}
