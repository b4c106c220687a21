import type { IssuerFigures, VerifierFigures } from '../verify/verifier-figures.js';
import { countsBy, type Instrument, type Measurement } from './instrument.js';

/** A verifier with metrics, as `createTokenVerifier` returns it. */
export interface ObservableVerifier {
  readonly figures: VerifierFigures;
}

/** Every metric of a verifier. */
export const VERIFIER_INSTRUMENTS: readonly Instrument<ObservableVerifier>[] = [
  {
    name: 'verifications',
    kind: 'counter',
    unit: '{verification}',
    description: 'Tokens that were verified, by outcome: accepted, or the code of the error.',
    attributes: ['outcome'],
    measure: ({ figures }) => countsBy('outcome', figures.verifications),
  },
  {
    name: 'reviews',
    kind: 'counter',
    unit: '{review}',
    description: 'TokenReviews, by whether the API server answered.',
    attributes: ['issuer', 'outcome'],
    measure: ({ figures }) => byIssuer(figures, ({ reviews }) => reviews),
  },
  {
    name: 'key_fetches',
    kind: 'counter',
    unit: '{fetch}',
    description: 'Fetches of the keys of an issuer, by whether there was a usable answer.',
    attributes: ['issuer', 'outcome'],
    measure: ({ figures }) => byIssuer(figures, ({ keyFetches }) => keyFetches),
  },
];

function byIssuer(
  { issuers }: VerifierFigures,
  countsOf: (figures: IssuerFigures) => { readonly answered: number; readonly failed: number },
): readonly Measurement[] {
  return issuers.flatMap((figures) =>
    countsBy('outcome', { ...countsOf(figures) }).map(({ value, attributes }) => ({
      value,
      attributes: { issuer: figures.issuer, ...attributes },
    })),
  );
}
