/**
 * The shortest piece of a secret that is removed, in characters. Sixteen characters of base64url are 96 bits: too few to
 * use a token with, and long enough that no word of an error message is taken for a piece of one.
 */
const PIECE_LENGTH = 16;

/**
 * Removes secrets from a text, whole or in pieces: a server that quotes what it was sent may cut it, or wrap it.
 *
 * @param text - what a server answered, or the message of an error
 * @param secrets - what must not be in it; those shorter than a piece are only removed whole
 * @returns the text, with `[token]` in place of each run of characters that stands in a secret as well
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(withoutSecret, text);
}

function withoutSecret(text: string, secret: string): string {
  if (secret === '') return text;
  if (secret.length <= PIECE_LENGTH) return text.replaceAll(secret, '[token]');
  const pieces = new Set<string>();
  for (let start = 0; start + PIECE_LENGTH <= secret.length; start++) {
    pieces.add(secret.slice(start, start + PIECE_LENGTH));
  }
  let safe = '';
  for (let index = 0; index < text.length; ) {
    let end = index;
    // Pieces overlap: the run ends where the last of them does.
    for (let at = index; at <= end && pieces.has(text.slice(at, at + PIECE_LENGTH)); at++) end = at + PIECE_LENGTH;
    safe += end > index ? '[token]' : text[index];
    index = end > index ? end : index + 1;
  }
  return safe;
}
