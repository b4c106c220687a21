import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { WorkloadIdentityCredential } from '@azure/identity';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { type FigureGroup, median } from '../figure.js';

const ROUNDS = 15;
const ROUND_MS = 40;

const require = createRequire(import.meta.url);

/** What a request pays for its token while nothing changes. */
export async function measure(): Promise<FigureGroup> {
  using volume = TokenVolume.temporary(tmpdir());
  const token = await mintToken({ audience: 'vault' });
  volume.write(token);
  await using provider = await ProjectedTokenProvider.open({ path: volume.path, audience: 'vault' });
  const untilMs = Date.now() + 3_600_000;
  const looking = async () => (Date.now() < untilMs ? token : '');

  const asynchronous: Record<string, () => Promise<unknown>> = {
    'async function that looks at the clock (floor)': looking,
    'projected-token: getToken()': () => provider.getToken(),
    ...(await peers(volume.path)),
  };
  const nanoseconds = new Map(Object.keys(asynchronous).map((name) => [name, [] as number[]]));
  const ofCurrent: number[] = [];
  const ofClock: number[] = [];
  // In turns, so that all see the same machine.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(asynchronous)) nanoseconds.get(name)!.push(await timeAsync(call));
    ofCurrent.push(timeSync(() => provider.current !== undefined));
    ofClock.push(timeSync(() => Date.now() < untilMs));
  }
  const floor = median([...nanoseconds.values()][0]!);
  const figures = [...nanoseconds].map(([name, times]) => {
    const value = median(times);
    const ratio = value / floor;
    const isOurs = name.startsWith('projected-token');
    return { name, value, unit: 'ns', ratio, ...(isOurs && { aim: { text: '≤ 1.0 × floor', isMet: ratio <= 1 } }) };
  });
  const [current, clock] = [median(ofCurrent), median(ofClock)];
  return {
    title: 'A cached token',
    method: `Nanoseconds a call, median of ${ROUNDS} rounds in turns, one process. Nothing that never hands out an expired token can skip the look at the clock, so a function that does only that is the floor.`,
    figures: [
      ...figures,
      { name: 'a bare look at the clock', value: clock, unit: 'ns', ratio: 1 },
      {
        name: 'projected-token: current',
        value: current,
        unit: 'ns',
        ratio: current / clock,
        aim: { text: '≤ 1.25 × a look at the clock', isMet: current <= 1.25 * clock },
      },
    ],
  };
}

/** How the peers come to the token of a file that they have read already; none of it talks to a server. */
async function peers(path: string): Promise<Record<string, () => Promise<unknown>>> {
  const azure = new WorkloadIdentityCredential({ tenantId: 'tenant', clientId: 'client', tokenFilePath: path });
  const readAzure = (azure as unknown as { readFileContents(): Promise<string> }).readFileContents.bind(azure);

  const clientNode = dirname(require.resolve('@kubernetes/client-node'));
  const { FileAuth } = await import(join(clientNode, 'file_auth.js'));
  const fileAuth = new FileAuth();
  const user = { authProvider: { config: { tokenFile: path } } };
  const options = { headers: {} };

  const google = dirname(require.resolve('google-auth-library'));
  const { FileSubjectTokenSupplier } = require(join(google, 'auth', 'filesubjecttokensupplier.js'));
  const supplier = new FileSubjectTokenSupplier({ filePath: path, formatType: 'text' });

  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const aws = fromTokenFile({
    webIdentityTokenFile: path,
    roleArn: 'arn:aws:iam::123456789012:role/app',
    roleAssumerWithWebIdentity: async () => credentials,
  });
  return {
    '@azure/identity: cached read (5 min)': readAzure,
    '@kubernetes/client-node: cached read (60 s)': () => fileAuth.applyAuthentication(user, options),
    '@aws-sdk: read for an exchange': () => aws(),
    'google-auth-library: read for an exchange': () => supplier.getSubjectToken(),
  };
}

async function timeAsync(call: () => Promise<unknown>): Promise<number> {
  let calls = 0;
  const start = performance.now();
  let elapsed = 0;
  do {
    for (let batch = 0; batch < 100; batch++) await call();
    calls += 100;
    elapsed = performance.now() - start;
  } while (elapsed < ROUND_MS);
  return (elapsed / calls) * 1e6;
}

function timeSync(look: () => boolean): number {
  const calls = 2_000_000;
  let seen = 0;
  const start = performance.now();
  for (let call = 0; call < calls; call++) if (look()) seen++;
  const elapsed = performance.now() - start;
  if (seen !== calls) throw new Error('The provider lost its token.');
  return (elapsed / calls) * 1e6;
}
