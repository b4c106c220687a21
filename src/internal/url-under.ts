/** @param path - begins with a slash; is put after the path that the server may have, as behind a proxy */
export function urlUnder(server: URL, path: string): URL {
  return new URL(server.href.replace(/\/$/, '') + path);
}
