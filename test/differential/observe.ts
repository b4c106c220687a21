import { setTimeout as delay } from 'node:timers/promises';
import { hasOwnHeader } from './own-header.js';
import { plainAnswers } from './plain-answers.js';
import { LISTED, type Origins, type Scenario } from './scenario.js';
import { Scene, type Seen } from './scene.js';
import type { ReceivedRequest } from './server/received-request.js';
import type { RecordingServers } from './server/recording-servers.js';
import type { Script } from './server/run.js';
import type { Subject } from './subject.js';
import { TOKEN_MARK } from './token-of-run.js';

/** All that was to be seen of a run. */
export interface Observation {
  readonly received: readonly ReceivedRequest[];
  readonly seen: readonly Seen[];
}

/** What undici, the package form-data, got and axios put between the parts of a form. */
const RANDOM_BOUNDARY =
  /-{4}formdata-undici-0\d{11}|-{24,28}[0-9a-f]{16,24}|form-data-(?:boundary|encoder)-\w{16}|axios-[\d.]+-boundary-[\w-]{25}/g;

/** A run in which nothing happens for longer hangs. A chain of redirects without an end, and retried, takes longer as a whole. */
const IDLE_MS = 1000;

/** And so does one that never comes to an end. */
const LONGEST_MS = 10_000;

/** How long what took, as gRPC tells it of a deadline that passed, without what took no time; and what it tells a server is left. */
const TIMES_OF_GRPC =
  /,(?:name resolution|metadata filters|time to current attempt start|LB pick): [\d.]+s|(?<=Deadline exceeded after |grpc-timeout: )[\d.]+\w/g;

/** Longer than clients that retry wait here before they do. */
const LATE_RETRY_MS = 50;

/** Runs a scenario with the bare client, or with the wrapped one. */
export async function observe(
  subject: Subject,
  scenario: Scenario,
  servers: RecordingServers,
  isWrapped: boolean,
): Promise<Observation> {
  const origins = servers.originsOver(scenario.transport);
  await servers.begin(scriptOf(subject, scenario, origins, isWrapped));
  const scene = new Scene(scenario, isWrapped, servers);
  const onUncaught = (error: unknown, origin: string) => scene.tell(origin, error);
  process.off('uncaughtException', ignoreLate).on('uncaughtException', onUncaught);
  const over = new AbortController();
  try {
    const run = subject.exercise(scenario, scene);
    const late = idle(scene, servers, over.signal).then(() => scene.tell('hangs'));
    await Promise.race([run, late.catch(() => undefined)]);
    over.abort();
    const seen = [...scene.seen];
    const received = await servers.end(async () => {
      await scene.cleanUp();
      // A client may send a request once more whose connection was closed: not into the next run.
      if (seen.some(({ what }) => what === 'hangs')) await delay(LATE_RETRY_MS);
    });
    return inPlainNames({ received, seen }, origins);
  } finally {
    process.off('uncaughtException', onUncaught).on('uncaughtException', ignoreLate);
  }
}

/** An assertion of undici over HTTP/2 may fail once its run is over, when its connection closes. */
function ignoreLate(error: Error): void {
  if (Reflect.get(error, 'code') !== 'ERR_ASSERTION') throw error;
}

/** Resolves once neither the program nor a server has seen anything for a while, or they have for too long. */
async function idle(scene: Scene, servers: RecordingServers, signal: AbortSignal): Promise<void> {
  const progress = () => scene.seen.length + servers.receivedCount;
  const endMs = performance.now() + LONGEST_MS;
  for (let before = -1; before !== progress() && performance.now() < endMs; ) {
    before = progress();
    await delay(IDLE_MS, undefined, { signal });
  }
}

function scriptOf(subject: Subject, scenario: Scenario, origins: Origins, isWrapped: boolean): Script {
  return { answers: plainAnswers(scenario, origins), refusal: refusalOf(subject, scenario, isWrapped) };
}

/**
 * The bare client meets no refusal where the wrapped one sends the request again, and the same one where its body cannot be sent
 * again: then both show it.
 */
function refusalOf(subject: Subject, scenario: Scenario, isWrapped: boolean): Script['refusal'] {
  if (scenario.refusedAt === undefined) return undefined;
  if (isWrapped) return { hop: scenario.refusedAt, text: `${TOKEN_MARK}1` };
  const isOwn = (subject.hasOwnHeader ?? hasOwnHeader)(scenario);
  const carries = LISTED.includes(scenario.origin) && !isOwn;
  // Requests for one URL that are not redirected count as its hops.
  const isStart = scenario.refusedAt === 0 || (scenario.sameUrl && scenario.answers.length === 1);
  const isShown = isStart && carries && !subject.canSendAgain(scenario);
  return isShown ? { hop: scenario.refusedAt, text: '' } : undefined;
}

/** Ports and boundaries are chosen anew each time, a name stands for each; and times are left out. */
function inPlainNames(observation: Observation, origins: Origins): Observation {
  let text = JSON.stringify(observation);
  for (const [name, origin] of Object.entries(origins)) {
    const { host } = new URL(origin);
    // gRPC knows the first host by its name.
    for (const known of [host, host.replace('127.0.0.1', 'localhost')]) text = text.replaceAll(known, `${name}.test`);
  }
  text = text.replace(RANDOM_BOUNDARY, 'BOUNDARY').replace(TIMES_OF_GRPC, '');
  const boundaries = [...text.matchAll(/boundary=\\*"?([-\w.]+)/g)].map(([, boundary]) => boundary!);
  for (const boundary of new Set(boundaries)) text = text.replaceAll(boundary, 'BOUNDARY');
  return JSON.parse(text) as Observation;
}
