import { tmpdir } from 'node:os';
import { BoundToken } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { ExampleService } from '../helpers/example-process.js';
import { POSTGRES, PostgresServer } from '../helpers/postgres-server.js';

// Says in the report why it is skipped.
const suite = POSTGRES === undefined ? describe.skip : describe;
const name = POSTGRES === undefined ? 'pg (skipped: PostgreSQL is not installed)' : 'pg, against a real PostgreSQL';

suite(name, () => {
  it('sends the token of the moment as the password of each new connection', async () => {
    const mint = () => mintToken({ audience: 'postgres' });
    const [first, second] = [await mint(), await mint()];
    const [firstName, secondName] = [first, second].map((token) => BoundToken.parse(token).fingerprint);
    await using server = await PostgresServer.start();
    const accept = (token: string) => server.administer(`ALTER ROLE shop PASSWORD '${token}'`);
    const loseConnections = () =>
      server.administer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'`);
    await server.administer('CREATE ROLE shop LOGIN');
    await accept(first);

    using volume = TokenVolume.temporary(tmpdir(), { fileName: 'token' });
    volume.write(first);
    await using service = await ExampleService.start(
      'pg',
      {
        TOKEN_PATH: volume.path,
        TOKEN_AUDIENCE: 'postgres',
        PGHOST: 'localhost',
        PGPORT: String(server.port),
        PGUSER: 'shop',
        PGDATABASE: 'postgres',
        NODE_EXTRA_CA_CERTS: server.caFile,
      },
      /^Signed in as shop$/m,
    );
    expect(service.output).toBe(`Connected with token ${firstName}\nSigned in as shop\n`);

    // The old one is good for no new connection from now on.
    await accept(second);
    await loseConnections();
    await expect.poll(() => service.output).toContain('password authentication failed for user "shop"');
    expect(service.output).not.toContain(secondName);

    volume.write(second);
    await expect.poll(() => service.output).toContain(`Connected with token ${secondName}\nSigned in as shop\n`);
    for (const token of [first, second]) expect(service.output.includes(token.split('.')[2]!)).toBe(false);
    expect(await service.stop()).toBe(0);
  });
});
