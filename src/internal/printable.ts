/**
 * Makes somebody else's text safe for one line of a log or a terminal: a claim, a path, what a server answers.
 *
 * Control characters (C0 and C1, so also ESC and line feeds), format characters (bidirectional overrides, zero-width
 * characters) and line or paragraph separators could move a cursor, forge a log line or reorder what is shown. Each of
 * them becomes U+FFFD.
 *
 * @param maxLength - in UTF-16 code units; a longer text is cut and ends in `…`
 */
export function printable(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const safe = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  return safe.length > maxLength ? `${safe.slice(0, maxLength)}…` : safe;
}
