/**
 * Uses Node's fetch before undici is there, so that the dispatcher of Node itself is the global one, and gives that one the token:
 *   node --import tsx test/helpers/node-dispatcher-main.ts <url>
 * Prints the status of the response, or the code of the error.
 */
import type { TokenSource } from 'projected-token';

const url = process.argv[2]!;
await (await fetch(url)).text();

const { getGlobalDispatcher, setGlobalDispatcher } = await import('undici');
const { withToken } = await import('projected-token/undici');
const source: TokenSource = { getToken: async () => 'a-token', replaceToken: async () => undefined };
setGlobalDispatcher(withToken(getGlobalDispatcher(), source, { origins: [new URL(url).origin] }));

const outcome = await fetch(url).then(
  ({ status }) => status,
  (error) => error.cause.code,
);
console.log(outcome);
