import { BoundToken } from 'projected-token';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommandRun, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { SecretVolume } from '../helpers/secret-volume.js';

/** Clears the screen, sets the title of the window, colours, ends the line, turns the direction of writing, and more. */
const HOSTILE = '\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202eevil\u2028\u{e0001}';
const HARMLESS = '\ufffd[2J\ufffd]0;title\ufffd\ufffd31m\ufffd\ufffd\ufffdevil\ufffd\ufffd';
const COLUMNS = 1000;

// screenOf throws when a control character comes through.
const shownBy = async (...args: string[]) =>
  screenOf((await runInTerminal(args, { columns: COLUMNS })).stdout, COLUMNS).join('\n');

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const hostileToken = () =>
  volume.rotate({ audience: HOSTILE, pod: HOSTILE, node: HOSTILE, claims: { iss: HOSTILE, sub: HOSTILE } });

describe('text that would control the terminal is made harmless', () => {
  it('in the claims that inspect shows', async () => {
    const token = BoundToken.parse(await hostileToken());
    const shown = await shownBy('inspect', volume.path);
    expect(shown.match(/^(audience|issuer|subject|pod|node) .*$/gm)).toEqual([
      `audience    ${HARMLESS}`,
      `issuer      ${HARMLESS}`,
      `subject     ${HARMLESS}`,
      `pod         ${HARMLESS} (uid ${token.pod!.uid})`,
      `node        ${HARMLESS} (uid ${token.node!.uid})`,
    ]);
  });

  it.each([
    ['--audience', 'ERR_TOKEN_AUDIENCE'],
    ['--issuer', 'ERR_TOKEN_ISSUER'],
    ['--subject', 'ERR_TOKEN_SUBJECT'],
  ])('in what is wrong with the %s', async (option, code) => {
    await hostileToken();
    expect(await shownBy('inspect', volume.path, option, HOSTILE.slice(1))).toMatch(
      new RegExp(`${code}\n.*evil.*\\snot\\s.*evil`, 's'),
    );
  });

  it.each(['a missing file', 'a token file'])('in the path of %s', async (kind) => {
    volume = SecretVolume.forTest({ fileName: `token${HOSTILE}` });
    if (kind === 'a token file') await volume.rotate();
    expect(await shownBy('inspect', volume.path)).toContain(`token${HARMLESS}\n`);
  });

  it('in what wait waits for', async () => {
    await hostileToken();
    const shown = await shownBy('wait', volume.path, '--audience', 'vault', '--timeout', '0');
    expect(shown).toMatch(/^waiting: .*evil.*\nprojected-token: no acceptable token/s);
  });

  it('in what watch tells', async () => {
    await hostileToken();
    const watching = CommandRun.inTerminal(['watch', volume.path, '--audience', 'vault'], { columns: COLUMNS });
    await watching.until(/rejected.*\r\n/);
    watching.press('\u0003');
    expect(await watching.exitCode).toBe(1);
    expect(screenOf(watching.output, COLUMNS)[0]).toMatch(/rejected .*evil/);
  });

  it.each([
    { args: [HOSTILE] },
    { args: ['inspect', `--${HOSTILE}`] },
    { args: ['inspect', 'a', HOSTILE] },
    { args: ['wait', '--timeout', HOSTILE] },
  ])('in the complaint about $args', async ({ args }) => {
    expect(await shownBy(...args)).toMatch(/^projected-token: .*evil.*\nUsage/);
  });
});

describe('text that would control the terminal is escaped in JSON, which stays the same', () => {
  const expected = { audiences: [HOSTILE], issuer: HOSTILE, pod: { name: HOSTILE } };

  it('of inspect', async () => {
    await hostileToken();
    expect(JSON.parse(await shownBy('inspect', volume.path, '--json')).token).toMatchObject(expected);
  });

  it('of watch', async () => {
    await hostileToken();
    const watching = CommandRun.inTerminal(['watch', volume.path, '--json'], { columns: COLUMNS });
    await watching.until(/\}\r\n/);
    expect(JSON.parse(screenOf(watching.output, 10_000).join(''))).toMatchObject({ event: 'ready', current: expected });
  });
});
