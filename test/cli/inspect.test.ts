import { BoundToken } from 'projected-token';
import { beforeEach, describe, expect, it } from 'vitest';
import { run, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { SecretVolume } from '../helpers/secret-volume.js';
import { secretToken } from '../helpers/secrets.js';

const DAY_SECONDS = 86_400;

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

describe('a token in a terminal', () => {
  it('is shown with what it is, for whom, and how old', async () => {
    const issuedAt = new Date(Math.floor(Date.now() / 1000 - DAY_SECONDS / 2 - 30) * 1000);
    const token = await volume.rotate({ pod: 'shop-7d9', node: 'node-1', expiresInSeconds: DAY_SECONDS, issuedAt });
    const bound = BoundToken.parse(token);
    const { exitCode, stdout } = await runInTerminal(['inspect', volume.path], { columns: 100 });
    expect(exitCode).toBe(0);
    const moment = (date: Date | undefined) => date!.toISOString().replace('.000Z', 'Z');
    expect(screenOf(stdout, 100)).toEqual([
      `file        ${volume.path}`,
      `            projected volume, mode 0644, uid ${process.getuid!()}, gid ${process.getgid!()}`,
      `token       ${bound.fingerprint}`,
      'audience    vault',
      'issuer      https://kubernetes.default.svc',
      'subject     system:serviceaccount:default:build-robot',
      `pod         shop-7d9 (uid ${bound.pod!.uid})`,
      `node        node-1 (uid ${bound.node!.uid})`,
      `issued      ${moment(bound.issuedAt)} (12 h ago)`,
      `refresh     ${moment(bound.refreshAt)} (in 7 h 11 min)`,
      `expires     ${moment(bound.expiresAt)} (in 11 h 59 min)`,
      'used until  10 s before that',
      'life        ████████████████████▒▒▒▒▒▒▒▒▒▒▒▒┃▒▒▒▒▒▒▒  50 %  ┃ refresh',
      '',
      'The token is acceptable.',
      '',
    ]);
  });

  it.each([
    { age: 'new', share: 0, colour: 32, bar: `${'▒'.repeat(32)}┃${'▒'.repeat(7)}   0 %` },
    { age: 'due for refresh', share: 0.9, colour: 33, bar: `${'█'.repeat(32)}┃███▒▒▒▒  90 %` },
    { age: 'expired', share: 1.5, colour: 31, bar: `${'█'.repeat(32)}┃${'█'.repeat(7)} 100 %` },
  ])('has a bar of its own colour when it is $age', async ({ share, colour, bar }) => {
    await volume.rotate({ expiresInSeconds: DAY_SECONDS, issuedAt: ago(share * DAY_SECONDS) });
    const { stdout } = await runInTerminal(['inspect', volume.path]);
    const [cells, percent] = [bar.slice(0, 40), bar.slice(40)];
    expect(stdout).toContain(`life        \u001b[${colour}m${cells}\u001b[39m${percent}`);
  });

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['a dumb terminal', { TERM: 'dumb' }],
  ])('has no colours with %s', async (_, env) => {
    await volume.rotate({ issuedAt: ago(7200) });
    const { stdout } = await runInTerminal(['inspect', volume.path], { env });
    expect(stdout).toContain('error ERR_TOKEN_EXPIRED');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([20, 40, 60, 200])('fits %i columns without a broken word', async (columns) => {
    await volume.rotate({ issuedAt: ago(7200), audience: ['vault', 'bao', 'consul', 'nomad', 'boundary'] });
    const { stdout } = await runInTerminal(['inspect', volume.path], { columns });
    const [narrow, wide] = [screenOf(stdout, columns), screenOf(stdout, 1000)];
    const isOneWord = (line: string) => !line.slice(12).includes(' ');
    const tooLong = wide.filter((line) => line.length > Math.min(columns, 100) && !isOneWord(line));
    expect(tooLong.filter((line) => !line.startsWith('life'))).toEqual([]);
    expect(wide.join(' ').replace(/\s+/g, ' ')).toContain('vault, bao, consul, nomad, boundary issuer');
    if (columns >= 40) expect(narrow.find((line) => line.startsWith('life'))).toMatch(/[█┃]{9,40} 100 % {2}┃ refresh$/);
  });
});

describe('--json', () => {
  it('tells what is known of the file and the token', async () => {
    const token = await volume.rotate({ pod: 'shop-7d9' });
    const { stdout } = await run(['inspect', volume.directory, '--json']);
    const bound = BoundToken.parse(token);
    expect(JSON.parse(stdout)).toEqual({
      path: volume.directory,
      file: volume.path,
      kind: 'projected',
      mode: '0644',
      uid: process.getuid!(),
      gid: process.getgid!(),
      token: JSON.parse(JSON.stringify(bound)),
      expiryMarginSeconds: 10,
      findings: [],
      header: { alg: 'ES256', kid: expect.stringMatching(/.{10}/) },
      claims: bound.claims,
    });
  });

  it('tells of the file that is at fault, not of its directory', async () => {
    volume.corrupt('');
    const { stdout } = await run(['inspect', volume.directory, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      path: volume.directory,
      file: volume.path,
      kind: 'projected',
      mode: '0644',
    });
  });
});

it('--claims prints the header and every claim as well', async () => {
  const bound = BoundToken.parse(await volume.rotate({ pod: 'shop-7d9', claims: { jti: 'b5ed', other: ['claim'] } }));
  const { stdout } = await run(['inspect', volume.path, '--claims']);
  const [, json] = /^(\{\n.*^\})\n\nThe token is acceptable/ms.exec(stdout)!;
  expect(JSON.parse(json!)).toEqual({
    header: { alg: 'ES256', kid: expect.stringMatching(/.{10}/) },
    claims: { ...bound.claims, jti: 'b5ed', other: ['claim'] },
  });
});

describe('-, for standard input', () => {
  const inspectPiped = (token: string, ...args: string[]) =>
    run(['inspect', '-', ...args], { script: 'printf "%s\\n" "$TOKEN" | "$@"', env: { TOKEN: token } });

  it('shows a token that comes through a pipe, as kubectl create token prints it', async () => {
    const token = await secretToken({ audience: 'vault' });
    const { exitCode, stdout } = await inspectPiped(token, '--audience', 'vault');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^file {8}standard input\ntoken {7}${BoundToken.parse(token).fingerprint}\n`));
    expect(stdout).toMatch(/\n\nThe token is acceptable\.\n$/);
  });

  it('knows of no file in JSON, and of no rotation', async () => {
    const token = await secretToken({ expiresInSeconds: 3600, issuedAt: ago(3400) });
    const { stdout } = await inspectPiped(token, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ path: '-', token: { audiences: ['vault'] }, findings: [] });
    for (const name of ['file', 'kind', 'mode', 'uid', 'gid']) expect(JSON.parse(stdout)).not.toHaveProperty(name);
  });

  it.each([
    { what: 'nothing', text: '', code: 'ERR_TOKEN_EMPTY', says: /Standard input is empty\. Check the command before/ },
    {
      what: 'something else',
      text: 'error: no such account',
      code: 'ERR_TOKEN_MALFORMED',
      says: /three base64url parts/,
    },
    { what: 'too much', text: 'x'.repeat(70_000), code: 'ERR_TOKEN_TOO_LARGE', says: /larger than 64 KiB/ },
  ])('says what is wrong with $what', async ({ text, code, says }) => {
    const { exitCode, stdout } = await inspectPiped(text, '--json');
    const { findings } = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    expect(findings).toMatchObject([{ severity: 'error', code, message: expect.stringMatching(says) }]);
    expect(findings[0].message).not.toContain('option');
  });
});

describe('--show-token', () => {
  it('prints the token on a line of its own', async () => {
    const token = await volume.rotate();
    const { stdout } = await run(['inspect', volume.path, '--show-token']);
    expect(stdout.split('\n').slice(-3)).toEqual(['', token, '']);
  });

  it('adds it to JSON', async () => {
    const token = await volume.rotate();
    const { stdout } = await run(['inspect', volume.path, '--show-token', '--json']);
    expect(JSON.parse(stdout).value).toBe(token);
  });

  it('prints no token that could not be read', async () => {
    volume.corrupt('no-token-at-all');
    const { stdout } = await run(['inspect', volume.path, '--show-token']);
    expect(stdout).not.toContain('no-token-at-all');
  });
});
