// Opens a token file as a user who owns nothing, and tells what comes of it; the modules are loaded before root is given up.
import { type ProjectedTokenError, ProjectedTokenProvider } from 'projected-token';

const path = process.argv[2]!;
process.setgroups!([]);
process.setgid!(65534);
process.setuid!(65534);

await ProjectedTokenProvider.open({ path, readyTimeoutMs: 0 }).catch((error: ProjectedTokenError) => {
  process.send!({ code: error.code, message: error.message });
});
const provider = await ProjectedTokenProvider.open({ path, pollIntervalMs: 20, readyTimeoutMs: 60_000 });
process.send!({ state: provider.status.state });
process.once('disconnect', () => void provider.close());
