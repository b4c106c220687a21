import packageJson from '../package.json' with { type: 'json' };

/** The modules that a user imports, by the name of their file in `dist`: "./fetch" of package.json is src/fetch/index.ts and becomes fetch.js. */
export const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(packageJson.exports)
    .filter((path) => path !== './package.json')
    .map((path) => (path === '.' ? ['index', 'src/index.ts'] : [path.slice(2), `src/${path.slice(2)}/index.ts`])),
);
