import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MarkdownRenderer } from 'vitepress';

const DOCS = fileURLToPath(new URL('..', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Makes of each link to a file that is not a page of the site, such as an example, the name of that file: on the site there is nothing
 * to follow. On GitHub the links work.
 */
export function repositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const page = env.realPath ?? env.path;
    for (const { children } of tokens) {
      let isInside = false;
      for (const token of children ?? []) {
        const file = token.type === 'link_open' ? fileOf(token.attrGet('href')!, page) : undefined;
        if (file !== undefined) {
          isInside = true;
          token.type = 'span_open';
          token.tag = 'span';
          token.attrs = [['title', `${file} in the repository`]];
        } else if (isInside && token.type === 'link_close') {
          isInside = false;
          token.type = 'span_close';
          token.tag = 'span';
        }
      }
    }
  });
}

function fileOf(href: string, page: string): string | undefined {
  if (/^(?:\w+:|#|\/)/.test(href)) return undefined;
  const file = resolve(dirname(page), href.replace(/#.*/, ''));
  return file.startsWith(DOCS) ? undefined : relative(REPOSITORY, file).replaceAll(sep, '/');
}
