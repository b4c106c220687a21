/**
 * Returns whether Node's own clients use the proxies of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`: only when they are
 * told to. The variable is heeded on versions of Node that do not know it yet, too.
 *
 * @see https://nodejs.org/api/cli.html#node_use_env_proxy1 and `--use-env-proxy`
 */
export function usesEnvironmentProxy(): boolean {
  const { NODE_USE_ENV_PROXY, NODE_OPTIONS = '' } = process.env;
  const flags = [...NODE_OPTIONS.split(/\s+/), ...process.execArgv];
  const flag = flags.findLast((flag) => /^--(?:no-)?use-env-proxy$/.test(flag));
  return flag === undefined ? NODE_USE_ENV_PROXY === '1' : flag === '--use-env-proxy';
}
