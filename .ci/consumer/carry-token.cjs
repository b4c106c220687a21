const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer } = require('node:http');

/** What each client sends, from the client as its package exports it; resolves with the status. */
const CLIENTS = {
  async fetch(withToken, _client, source, url) {
    return (await withToken(fetch, source, { origins: [url] })(url)).status;
  },
  async axios(withToken, { default: axios }, source, url) {
    return (await withToken(axios.create({ baseURL: url }), source).get('/')).status;
  },
  async undici(withToken, { Agent, request }, source, url) {
    const dispatcher = withToken(new Agent(), source, { origins: [url] });
    const { statusCode, body } = await request(url, { dispatcher });
    await body.dump();
    await dispatcher.close();
    return statusCode;
  },
  async got(withToken, { got }, source, url) {
    return (await withToken(got.extend({ prefixUrl: url }), source).get('')).statusCode;
  },
};

/** Bun has a module of its own in the place of undici, whose dispatchers cannot be composed; by its file, undici is undici. */
const PACKAGES = 'Bun' in globalThis ? { undici: 'undici/index.js' } : {};

/** Sends a request with each client to a server that refuses the token, so that the client sends it again with another one. */
exports.carryToken = async function carryToken(load, without) {
  const server = createServer(({ headers }, response) => {
    response.statusCode = headers.authorization === 'Bearer new' ? 200 : 401;
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const source = { getToken: async () => 'old', replaceToken: async () => 'new' };
  try {
    for (const [name, send] of Object.entries(CLIENTS).filter(([name]) => !without.includes(name))) {
      const { withToken } = await load(`projected-token/${name}`);
      const client = name === 'fetch' ? undefined : await load(PACKAGES[name] ?? name);
      assert.equal(await send(withToken, client, source, url), 200, name);
    }
  } finally {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  }
};
