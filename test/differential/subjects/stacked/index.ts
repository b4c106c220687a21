import type { Subject } from '../../subject.js';
import { axiosStacks } from './axios-stacks.js';
import { fetchStacks } from './fetch-stacks.js';
import { mswSubject } from './msw.js';
import { nockAxiosSubject, nockFetchSubject } from './nock.js';
import { undiciStacks } from './undici-stacks.js';

/** Every library that programs stack on a client, or put in its place, bare beside wrapped. */
export const STACKED_SUBJECTS = [
  ...axiosStacks,
  ...fetchStacks,
  ...undiciStacks,
  mswSubject,
  nockFetchSubject,
  nockAxiosSubject,
] as unknown as readonly Subject[];
