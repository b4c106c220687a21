/**
 * An axios instance with a token that follows every rotation. Interceptors, defaults and types stay what they are.
 *
 * Run: npx tsx examples/axios.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, SERVICE_URL
 */
import axios from 'axios';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/axios';

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});

// The token goes to the origin of the base URL only, whatever a redirect says.
const service = withToken(
  axios.create({ baseURL: process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders', timeout: 5000 }),
  provider,
);

try {
  const { status, data } = await service.post('', { item: 'book' });
  console.log(status, JSON.stringify(data));
} catch (error) {
  // An AxiosError as ever, without the token in its config and request.
  console.error(error);
  process.exitCode = 1;
}

await provider.close();
