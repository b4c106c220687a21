import { styleText } from 'node:util';

/** A colour or a weight of `util.styleText`. */
export type Style = Extract<
  Parameters<typeof styleText>[0],
  'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'
>;

/** A piece of a line: plain text, or text with a style. */
export type Segment = string | readonly [Style, string];

/** A line as pieces, so that it can be cut to the width of a terminal without cutting a colour code. */
export type StyledLine = readonly Segment[];

/** The line as text of at most `columns` characters, coloured or not. */
export function paint(line: StyledLine, columns: number, coloured: boolean): string {
  let left = columns;
  let text = '';
  for (const segment of line) {
    const [style, whole] = typeof segment === 'string' ? [undefined, segment] : segment;
    const piece = [...whole].slice(0, left).join('');
    left -= [...piece].length;
    text += style === undefined || !coloured ? piece : styleText(style, piece, { validateStream: false });
  }
  return text;
}
