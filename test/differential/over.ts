import type { Scenario, Transport } from './scenario.js';
import type { Subject } from './subject.js';

const TRANSPORTS: Readonly<Record<string, (transport: Transport) => Partial<Transport>>> = {
  http: () => ({ schemes: 'http', offersHttp2: false }),
  https: ({ schemes }) => ({ schemes: schemes === 'http' ? 'https' : schemes, offersHttp2: false }),
  http2: ({ schemes }) => ({ schemes: schemes === 'http' ? 'https' : schemes, offersHttp2: true }),
};

/** The same client in the same scenarios, all of them by one of `http`, `https` and `http2`. */
export function over(name: string, subject: Subject): Subject {
  const change = TRANSPORTS[name];
  if (change === undefined) throw new Error(`No such transport; there are: ${Object.keys(TRANSPORTS).join(', ')}.`);
  const scenarios = subject.scenarios.map(
    (scenario): Scenario => ({ ...scenario, transport: { ...scenario.transport, ...change(scenario.transport) } }),
  );
  return { ...subject, scenarios };
}
