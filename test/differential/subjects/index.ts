import type { Subject } from '../subject.js';
import { axiosSubject } from './axios.js';
import { fetchSubject } from './fetch.js';
import { gotSubject } from './got.js';
import { grpcSubject } from './grpc.js';
import { kubernetesSubject } from './kubernetes.js';
import { kySubject } from './ky.js';
import { ofetchSubject } from './ofetch.js';
import { undiciSubject } from './undici.js';
import { undiciFetchSubject } from './undici-fetch.js';

/** Every client that is run bare beside wrapped. */
export const SUBJECTS = [
  fetchSubject,
  kySubject,
  ofetchSubject,
  undiciSubject,
  undiciFetchSubject,
  axiosSubject,
  gotSubject,
  kubernetesSubject,
  grpcSubject,
] as unknown as readonly Subject[];
