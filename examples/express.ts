/**
 * An Express service for both sides: requests are let in with a token of the cluster that was made for this service, and it calls
 * another service with its own token. The kubelet gets an answer at `/readyz` without a token.
 *
 * Run: npx tsx examples/express.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens) and SERVICE_URL for the calls; TOKEN_AUDIENCE (what this service calls
 * itself), TOKEN_ISSUER, API_SERVER (both default to https://kubernetes.default.svc), SERVICE_ACCOUNT_DIRECTORY; PORT (default 8080)
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { createTokenVerifier, requireToken, tokenIdentityOf } from 'projected-token/verify';

const orders = new URL(process.env.SERVICE_URL ?? 'https://orders.shop.svc');
const directory = process.env.SERVICE_ACCOUNT_DIRECTORY ?? '/var/run/secrets/kubernetes.io/serviceaccount';

const provider = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, waitForToken: false });
const ordersFetch = withToken(fetch, provider, { origins: [orders.origin] });

const bearer = await ProjectedTokenProvider.open({ path: `${directory}/token` });
const verifier = createTokenVerifier({
  issuer: process.env.TOKEN_ISSUER ?? 'https://kubernetes.default.svc',
  audience: process.env.TOKEN_AUDIENCE ?? 'shop',
  apiServer: process.env.API_SERVER ?? 'https://kubernetes.default.svc',
  ca: `${directory}/ca.crt`,
  bearer,
});

const app = express();
// Before the guard: the kubelet sends no token.
app.get('/readyz', (_request, response) => {
  const { status } = provider;
  response.status(status.state === 'ready' ? 200 : 503).json(status);
});
app.use(requireToken(verifier));
app.get('/orders', async (request, response) => {
  const { namespace, serviceAccount } = tokenIdentityOf(request);
  const answer = await ordersFetch(new URL('/orders', orders));
  response.json({ caller: `${namespace}/${serviceAccount.name}`, orders: await answer.json() });
});

const server = app.listen(Number(process.env.PORT ?? 8080));
server.once('listening', () => console.log(`Listening on port ${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => {
  server.close(() => Promise.all([provider.close(), bearer.close()]));
});
