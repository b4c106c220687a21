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

/** Separate words of one style, for {@link wrap}. */
export function words(text: string, style?: Style): StyledLine[] {
  return text.split(' ').map((word) => [style === undefined ? word : [style, word]]);
}

/**
 * As many lines as it takes to show the items, none of which is broken.
 *
 * @param label - stands before the first line; the others are indented as far
 */
export function wrap(
  items: readonly StyledLine[],
  columns: number,
  { label = '', gap = ' ' }: { label?: string; gap?: string } = {},
): StyledLine[] {
  const lines: { segments: Segment[]; width: number }[] = [];
  for (const item of items) {
    const width = widthOf(item);
    const last = lines.at(-1);
    if (last !== undefined && last.width + gap.length + width <= columns) {
      last.segments.push(gap, ...item);
      last.width += gap.length + width;
    } else {
      const before = last === undefined ? label : ' '.repeat(label.length);
      lines.push({ segments: [before, ...item], width: label.length + width });
    }
  }
  return lines.map(({ segments }) => segments);
}

function widthOf(line: StyledLine): number {
  return line.reduce((sum, segment) => sum + [...(typeof segment === 'string' ? segment : segment[1])].length, 0);
}
