import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { run } from '../helpers/command-run.js';
import { SecretVolume } from '../helpers/secret-volume.js';
import { secret, secretToken } from '../helpers/secrets.js';
import { verifierCluster } from '../helpers/verifier-cluster.js';

const cluster = verifierCluster();
let volume: SecretVolume;
beforeEach(async () => {
  await cluster.start();
  volume = SecretVolume.forTest();
});

const file = (name: string, content: string) => {
  const path = join(volume.directory, name);
  writeFileSync(path, content);
  return path;
};

/** `inspect --verify` with everything that the cluster asks for, but for what is taken out. */
async function verify({ without = [] as string[], json = true } = {}) {
  const { origin, ca } = cluster.server();
  const options = {
    '--api-server': origin,
    '--ca': file('ca.crt', ca!),
    '--bearer': file('bearer', `${secret(await cluster.serviceToken())}\n`),
  };
  const given = Object.entries(options).filter(([name]) => !without.includes(name));
  return run(['inspect', volume.path, '--verify', ...given.flat(), ...(json ? ['--json'] : [])]);
}

const write = async (options: Parameters<typeof cluster.tokenOf>[0] = {}) => {
  volume.write((await cluster.tokenOf(options)).token);
};

describe('inspect --verify', () => {
  it('says that the signature is that of the issuer', async () => {
    await write();
    const { exitCode, stdout } = await verify({ json: false });
    expect(stdout).toContain('\nsignature   verified with the keys of the issuer\n');
    expect(exitCode).toBe(0);
    expect(JSON.parse((await verify()).stdout)).toMatchObject({ signature: 'verified', findings: [] });
  });

  it('checks no signature, and connects to nothing, where it is not asked to', async () => {
    await write();
    const { stdout } = await run(['inspect', volume.path, '--json']);
    expect(JSON.parse(stdout)).not.toHaveProperty('signature');
    expect(cluster.server().paths()).toEqual([]);
  });

  it('finds a token that was changed after it was signed', async () => {
    const [header, claims, signature] = (await cluster.tokenOf()).token.split('.');
    const changed = { ...JSON.parse(Buffer.from(claims!, 'base64url').toString()), sub: 'system:serviceaccount:a:b' };
    volume.write([header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.'));
    const { exitCode, stdout } = await verify();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).findings).toMatchObject([{ severity: 'error', code: 'ERR_VERIFY_SIGNATURE' }]);
    expect(JSON.parse(stdout)).not.toHaveProperty('signature');
  });

  it('finds a token that is signed with a key of nobody', async () => {
    volume.write(await secretToken({ claims: { iss: cluster.server().issuer } }));
    expect(JSON.parse((await verify()).stdout).findings).toMatchObject([{ code: 'ERR_VERIFY_KEY' }]);
  });

  it('finds a token of another cluster', async () => {
    volume.write(await secretToken({ claims: { iss: 'https://other.example' } }));
    const { findings } = JSON.parse((await verify()).stdout);
    expect(findings).toMatchObject([
      { code: 'ERR_VERIFY_UNAVAILABLE', message: expect.stringContaining('https://other') },
    ]);
  });

  it.each([
    { without: ['--ca'], says: /--ca\b/ },
    { without: ['--bearer'], says: /the answer is 40[13]\. .*--bearer/ },
  ])('says which option is missing: $without', async ({ without, says }) => {
    await write();
    const { exitCode, stdout } = await verify({ without });
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout);
    expect(findings).toMatchObject([{ code: 'ERR_VERIFY_UNAVAILABLE', message: expect.stringMatching(says) }]);
    expect(findings[0].message).not.toContain('option');
  });

  it('names the ways to the keys where the issuer itself cannot be asked', async () => {
    volume.write(await secretToken({ claims: { iss: 'https://localhost:1' } }));
    const { stdout } = await run(['inspect', volume.path, '--verify', '--json']);
    expect(JSON.parse(stdout).findings).toMatchObject([
      {
        code: 'ERR_VERIFY_UNAVAILABLE',
        message: expect.stringMatching(/localhost:1.* \(--api-server, --ca, --bearer\)/),
      },
    ]);
  });

  it('finds an issuer that is no address', async () => {
    volume.write(await secretToken({ claims: { iss: 'somebody' } }));
    const { stdout } = await run(['inspect', volume.path, '--verify', '--json']);
    expect(JSON.parse(stdout).findings).toMatchObject([
      { code: 'ERR_VERIFY_ISSUER', message: expect.stringMatching(/"somebody" of the token is not a URL with https/) },
    ]);
  });

  it('takes no API server in clear text on another machine', async () => {
    await write();
    const { exitCode, stderr } = await run(['inspect', volume.path, '--verify', '--api-server', 'http://api.example']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^projected-token: --api-server must be a URL with https\.\n/);
  });
});
