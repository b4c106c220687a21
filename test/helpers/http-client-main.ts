/**
 * A process that sends one request and has nothing else to do; it prints what came of it, and how many milliseconds later it ended by itself.
 *
 *   node --import tsx test/helpers/http-client-main.ts <url> <timeoutMs> [<file of the CA>]
 *
 * With --expose-gc it collects garbage all the while.
 */
import { HttpClient } from '../../src/internal/http-client.js';

const [url, timeoutMs, ca] = process.argv.slice(2);
// Held by nothing but the request under way.
let client: HttpClient | undefined = new HttpClient({ timeoutMs: Number(timeoutMs), ca, serverName: 'localhost' });
const sent = client.send({ method: 'GET', url: new URL(url!) });
client = undefined;
const collecting = globalThis.gc && setInterval(() => globalThis.gc!(), 20);
console.log(
  await sent.then(
    ({ status }) => status,
    (error) => error.message,
  ),
);
clearInterval(collecting);
const answeredAtMs = performance.now();
process.once('exit', () => console.log(Math.round(performance.now() - answeredAtMs)));
