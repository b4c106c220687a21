/**
 * PostgreSQL with a token as password. `pg` calls the password function at each new connection, so that each has the token of that
 * moment. PostgreSQL checks a password at the start of a connection only: connections that are open when the token is rotated stay.
 *
 * Run: npx tsx examples/pg.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, PGHOST, PGPORT, PGUSER, PGDATABASE;
 * NODE_EXTRA_CA_CERTS for a CA of your own
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { ProjectedTokenProvider } from 'projected-token';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

const pool = new pg.Pool({
  password: () => provider.getToken(),
  // The password goes over the connection as it is: never without TLS.
  ssl: true,
  // No connection outlives the right of its token for long.
  maxLifetimeSeconds: 3600,
});
pool.on('connect', () => console.log(`Connected with token ${provider.current?.fingerprint}`));
pool.on('error', (error) => console.error(`A connection was lost: ${error.message}`));

while (!stop.signal.aborted) {
  try {
    const { rows } = await pool.query<{ session_user: string }>('SELECT session_user');
    console.log(`Signed in as ${rows[0]?.session_user}`);
  } catch (error) {
    console.error((error as Error).message);
  }
  await pause(250, undefined, { signal: stop.signal }).catch(() => {});
}

await pool.end();
await provider.close();
