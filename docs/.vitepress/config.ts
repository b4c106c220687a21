import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { headingAnchor } from './heading-anchor.js';
import { repositoryLinks } from './repository-links.js';

const page = (text: string, link: string) => ({ text, link });

/** A page a subpath, as they are in docs/api. */
const reference = readdirSync(new URL('../api/projected-token', import.meta.url))
  .sort()
  .map((file) => page(`projected-token/${file.replace('.md', '')}`, `/api/projected-token/${file.replace('.md', '')}`));

export default defineConfig({
  title: 'projected-token',
  description: 'Keeps every HTTP client of a Node program authenticated with a Kubernetes bound service account token.',
  lang: 'en',
  outDir: '../.cache/site',
  cacheDir: '../.cache/vitepress',
  cleanUrls: true,
  rewrites: {
    'simulation/README.md': 'simulation/index.md',
    'bench/README.md': 'bench/index.md',
    'api/README.md': 'api/index.md',
  },
  markdown: { anchor: { slugify: headingAnchor }, config: repositoryLinks },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Quick start', '/vault'),
      page('The life of a token', '/life-of-a-token'),
      page('Troubleshooting', '/troubleshooting'),
      page('API', '/api/'),
    ],
    sidebar: [
      {
        text: 'Quick start',
        items: [
          page('Vault and OpenBao', '/vault'),
          page('Service to service', '/service-to-service'),
          page('Kubernetes API', '/kubernetes-api'),
          page('AWS, Google Cloud, Azure', '/clouds'),
          page('OAuth 2.0', '/oauth'),
        ],
      },
      {
        text: 'Guide',
        items: [
          page('The provider', '/provider'),
          page('Clients', '/clients'),
          page('Frameworks', '/frameworks'),
          page('Recipes', '/recipes'),
          page('Moving from readFileSync', '/migrating'),
          page('Testing', '/testing'),
          page('Operation', '/operation'),
          page('Troubleshooting', '/troubleshooting'),
          page('Command line', '/cli'),
          page('The life of a token', '/life-of-a-token'),
        ],
      },
      {
        text: 'API reference',
        collapsed: true,
        items: [page('projected-token', '/api/projected-token'), ...reference],
      },
      {
        text: 'How it was tested',
        collapsed: true,
        items: [
          page('Overview', '/how-it-was-tested'),
          page('How it compares', '/comparison'),
          page('Real servers', '/tested-against'),
          page('Differential test', '/differential'),
          page('Faults', '/faults'),
          page('Simulation', '/simulation/'),
          page('Soak', '/soak'),
          page('Fuzzing', '/fuzzing'),
          page('Secrets', '/secrets'),
          page('Mutation testing', '/mutation-testing'),
          page('Compatibility', '/compatibility'),
          page('Measurements', '/bench/'),
          page('Architecture', '/ARCHITECTURE'),
        ],
      },
    ],
  },
});
