import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import LifeOfAToken from './LifeOfAToken.vue';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('LifeOfAToken', LifeOfAToken);
  },
} satisfies Theme;
