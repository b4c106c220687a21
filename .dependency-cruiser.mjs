/**
 * Which way imports may point, types included. `npm run lint` checks it; docs/ARCHITECTURE.md draws what there is.
 *
 * A room is a folder of src/, or one of its three files at the top. Listed from the bottom up: a room may only name rooms above its
 * own line in this table, so what the table allows cannot be a circle.
 */

/** The narrow waist: all that a client or an exchange knows of where its token comes from. */
const WAIST = ['errors', 'token-source'];
const BASICS = [...WAIST, 'internal'];
const CORE = [...BASICS, 'token', 'volume', 'provider'];

/** What each room may import besides itself. */
const ROOMS = {
  errors: [],
  'token-source': [],
  internal: WAIST,
  token: BASICS,
  volume: [...BASICS, 'token'],
  provider: [...BASICS, 'token', 'volume'],
  index: CORE,
  carry: BASICS,
  // Requests on their way through undici's dispatchers, which the fetch of Node has too.
  dispatch: [...BASICS, 'carry'],
  fetch: [...BASICS, 'carry', 'dispatch'],
  // The only client that knows another: axios has an adapter that sends with fetch, and takes the fetch to send with as an option.
  // What carries the token there is a carrying fetch, with the redirects and the retry that it has; a second one would be a copy.
  axios: [...BASICS, 'carry', 'fetch'],
  undici: [...BASICS, 'carry', 'dispatch'],
  got: [...BASICS, 'carry'],
  grpc: [...BASICS, 'carry'],
  exchange: BASICS,
  vault: [...BASICS, 'token', 'carry', 'exchange'],
  oauth: [...BASICS, 'token', 'carry', 'exchange'],
  kubernetes: [...BASICS, 'carry', 'exchange'],
  // These open providers themselves, of the files that the clouds' webhooks name.
  aws: [...CORE, 'exchange'],
  google: [...CORE, 'exchange'],
  azure: [...CORE, 'exchange'],
  verify: [...BASICS, 'token', 'carry'],
  // Types only: what they count.
  metrics: [...CORE, 'exchange', 'verify'],
  // `inspect --verify` checks a signature with the keys that the issuer publishes.
  cli: [...CORE, 'verify'],
  // Imported by no other room: programs do not carry the test kit.
  testing: [...BASICS, 'token'],
};

/** Libraries that not every user has installed, or that cost time to load, each with the rooms that may import it. */
const LIBRARIES = {
  '@aws-sdk/[^/]+': ['aws'],
  '@azure/identity': ['azure'],
  '@grpc/grpc-js': ['grpc'],
  '@kubernetes/client-node': ['kubernetes'],
  '@opentelemetry/api': ['metrics'],
  axios: ['axios'],
  'google-auth-library': ['google'],
  got: ['got'],
  memfs: ['testing'],
  oauth4webapi: ['oauth'],
  'prom-client': ['metrics'],
  // dispatch/ and fetch/: its types only.
  // internal/: what the library itself asks of servers, to exchange or verify a token, goes through one HTTP client there.
  undici: ['undici', 'dispatch', 'fetch', 'internal'],
};

const paths = (rooms) => (rooms.length === 0 ? [] : [`^src/(${rooms.join('|')})(/|\\.ts$)`]);

for (const [index, [room, below]] of Object.entries(ROOMS).entries()) {
  const listed = Object.keys(ROOMS).slice(0, index);
  const wrong = below.filter((name) => !listed.includes(name));
  if (wrong.length > 0)
    throw new Error(`.dependency-cruiser.mjs: ${room}/ is listed below ${wrong}, which it may import.`);
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Files import each other in a circle. Move what both need into a file of its own.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(ROOMS).map(([room, below]) => ({
      name: `imports-of-${room}`,
      comment: `src/${room} imports a room that it should not know: see ROOMS in .dependency-cruiser.mjs.`,
      severity: 'error',
      from: { path: paths([room]) },
      to: { path: '^src/', pathNot: paths([room, ...below]) },
    })),
    {
      name: 'every-room-is-listed',
      comment: 'A new room of src/: list it in ROOMS of .dependency-cruiser.mjs and in docs/ARCHITECTURE.md.',
      severity: 'error',
      from: { path: '^src/', pathNot: paths(Object.keys(ROOMS)) },
      to: {},
    },
    {
      name: 'core-knows-no-client',
      comment: 'Whoever imports the core loads no HTTP client, no Vault and no cloud, not by a detour either.',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: {
        path: ['node_modules/', '^(node:)?(http|https|http2|net|tls)$'],
        pathNot: ['node_modules/(chokidar|eventemitter3|jose)/'],
        reachable: true,
      },
    },
    ...Object.entries(LIBRARIES).map(([library, rooms]) => ({
      name: `${library.split('/')[0]}-in-its-room`,
      comment: `Only src/${rooms.join(' and src/')} may import it: see LIBRARIES in .dependency-cruiser.mjs.`,
      severity: 'error',
      from: { path: '^src/', pathNot: paths(rooms) },
      to: { path: `node_modules/${library}/` },
    })),
    {
      name: 'what-users-install',
      comment: 'src/ imports a development dependency, which no user has.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'src-stands-alone',
      comment: 'src/ is all that is published.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|docs)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
