import { InvalidOptionError } from 'projected-token';
import { describe, expect, it } from 'vitest';
import { MAX_TIMER_MS, numberIn, requiredText } from '../../src/internal/option-checks.js';
import { thrownBy } from '../helpers/thrown-by.js';

describe('a number', () => {
  it.each([1, 1.5, 10])('%d from 1 to 10 is taken', (value) => {
    expect(numberIn('count', value, 5, 1, 10)).toBe(value);
  });

  it('that is left out is the default', () => {
    expect(numberIn('count', undefined, 5, 1, 10)).toBe(5);
    expect(numberIn('count', undefined, 0, 1, 10)).toBe(0);
  });

  it.each([0.999, 10.001, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', null, true, [5], 5n])(
    '%o is refused',
    (value) => {
      const error = thrownBy(() => numberIn('count', value as number, 5, 1, 10));
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'count' });
      expect(error.message).toBe('The option "count" must be a number from 1 to 10.');
    },
  );
});

describe('a text', () => {
  it('is taken as it is', () => {
    expect(requiredText('name', ' a ', 'a name')).toBe(' a ');
  });

  it.each(['', undefined, null, 7, ['a'], {}])('%o is refused', (value) => {
    const error = thrownBy(() => requiredText('name', value, 'the name of something'));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'name' });
    expect(error.message).toBe('The option "name" must be the name of something.');
  });
});

it('the longest delay is what setTimeout takes without a warning', () => {
  expect(MAX_TIMER_MS).toBe(2_147_483_647);
});
