import { createFsFromVolume, Volume } from 'memfs';
import { TokenVolume } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { locateVolume } from '../../src/volume/locate-volume.js';

let fs: ReturnType<typeof createFsFromVolume>;

beforeEach(() => {
  fs = createFsFromVolume(new Volume());
  new TokenVolume({ directory: '/mnt/tokens', fs }).write('token');
  new TokenVolume({ directory: '/mnt/teams', fileName: 'a/b/token', fs }).write('token');
  fs.mkdirSync('/app');
  fs.writeFileSync('/app/own-file', 'token');
});

const locate = (file: string) => locateVolume(fs as never, file);

function link(links: Record<string, string>): void {
  for (const [path, target] of Object.entries(links)) fs.symlinkSync(target, path);
}

describe('the volume of a projected file is its mount directory', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['as it is mounted', '/mnt/tokens/vault-token', {}, '/mnt/tokens'],
    ['in folders', '/mnt/teams/a/b/token', {}, '/mnt/teams'],
    ['by a link', '/app/link', { '/app/link': '/mnt/tokens/vault-token' }, '/mnt/tokens'],
    ['by a relative link', '/app/link', { '/app/link': '../mnt/tokens/vault-token' }, '/mnt/tokens'],
    ['by a link into folders', '/app/link', { '/app/link': '/mnt/teams/a/b/token' }, '/mnt/teams'],
    [
      'by a link to a link',
      '/app/link',
      { '/app/link': 'other', '/app/other': '/mnt/tokens/vault-token' },
      '/mnt/tokens',
    ],
    ['by a linked directory', '/app/link/vault-token', { '/app/link': '/mnt/tokens' }, '/app/link'],
    ['by its data directory', '/mnt/tokens/..data/vault-token', {}, '/mnt/tokens'],
    [
      'by a link into its data directory',
      '/app/link',
      { '/app/link': '/mnt/tokens/..data/vault-token' },
      '/mnt/tokens',
    ],
    ['not normalised', '/mnt/tokens/../tokens//vault-token', {}, '/mnt/tokens'],
    ['as Windows links it', '/app/token', { '/app/token': '..data\\token' }, '/app'],
  ])('%s', async (_, file, links, directory) => {
    link(links);
    expect(await locate(file)).toMatchObject({ directory, kind: 'projected' });
  });
});

describe('a regular file is in its own directory', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['as it is', '/app/own-file', {}, '/app'],
    ['by a link', '/mnt/link', { '/mnt/link': '../app/own-file' }, '/app'],
    ['that is missing', '/app/missing', {}, '/app'],
    ['that is missing with its directory', '/nowhere/missing', {}, '/nowhere'],
    ['by a link that leads nowhere', '/app/link', { '/app/link': '/nowhere/missing' }, '/nowhere'],
    ['by links in a circle', '/app/a', { '/app/a': 'b', '/app/b': 'a' }, '/app'],
    [
      'by a link with a name like the data directory',
      '/app/link',
      { '/app/link': '..database/own-file' },
      '/app/..database',
    ],
    ['in a directory called ..data that is no link', '/app/..data/own-file', {}, '/app/..data'],
  ])('%s', async (_, file, links, directory) => {
    fs.mkdirSync('/app/..data');
    link(links);
    expect(await locate(file)).toMatchObject({ directory, kind: 'regular' });
  });
});

it('a chain of links is followed as far as Linux follows one', async () => {
  link({ '/app/0': '/mnt/tokens/vault-token' });
  for (let number = 1; number <= 39; number++) link({ [`/app/${number}`]: `${number - 1}` });
  expect(await locate('/app/38')).toMatchObject({ directory: '/mnt/tokens', kind: 'projected' });
  expect(await locate('/app/39')).toMatchObject({ kind: 'regular' });
});

describe('the entry that leads to the token is', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['the link into the data directory', '/mnt/tokens/vault-token', {}, 'vault-token'],
    ['the first component of a path in folders', '/mnt/teams/a/b/token', {}, 'a'],
    [
      'the link of the volume, not the link to it',
      '/app/link',
      { '/app/link': '/mnt/tokens/vault-token' },
      'vault-token',
    ],
    ['the data directory, where the path goes through it', '/mnt/tokens/..data/vault-token', {}, '..data'],
    ['a regular file itself', '/app/own-file', {}, 'own-file'],
    ['the regular file that a link leads to', '/mnt/link', { '/mnt/link': '../app/own-file' }, 'own-file'],
  ])('%s', async (_, file, links, entry) => {
    link(links);
    expect((await locate(file)).entry).toBe(entry);
  });
});
