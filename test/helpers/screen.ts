/**
 * The lines that a terminal of this width shows after some output. It knows line feeds, carriage returns, colours and the erasure of
 * the rest of a line, and wraps what is too long; it throws on every other control character, as nothing else may reach a terminal.
 */
export function screenOf(output: string, columns: number): string[] {
  const lines: string[][] = [[]];
  let column = 0;
  for (const [index, part] of output.split('\u001b[').entries()) {
    const control = index === 0 ? '' : /^(?:[\d;]*m|K)/.exec(part)?.[0];
    if (control === undefined) throw new Error(`The terminal was told: ESC [ ${JSON.stringify(part)}`);
    if (control === 'K') lines.at(-1)!.splice(column);
    for (const character of part.slice(control.length)) {
      if (character === '\n') {
        lines.push([]);
      } else if (character === '\r') {
        column = 0;
      } else {
        if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(character))
          throw new Error(`The terminal got: ${JSON.stringify(character)}`);
        if (column === columns) {
          lines.push([]);
          column = 0;
        }
        lines.at(-1)![column++] = character;
      }
    }
  }
  return lines.map((line) => line.join('').trimEnd());
}
