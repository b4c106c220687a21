import { paint, type StyledLine } from './styled-line.js';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** Draws frames in place, on the alternate screen of a terminal, and gives the terminal back as it was. */
export class Screen {
  readonly #leave = () => this.stream.write(LEAVE);

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly coloured: boolean,
    private readonly frame: (columns: number, rows: number) => readonly StyledLine[],
  ) {
    stream.write(ENTER);
    // Also when the program dies of an error.
    process.once('exit', this.#leave);
    stream.on('resize', this.draw);
  }

  readonly draw = (): void => {
    const { columns, rows } = this.stream;
    const lines = this.frame(columns, rows).slice(0, rows);
    const text = lines.map((line) => paint(line, columns, this.coloured) + ERASE_LINE).join('\r\n');
    // One write a frame, erasing as it goes: nothing flickers.
    this.stream.write(HOME + text + ERASE_BELOW);
  };

  close(): void {
    process.off('exit', this.#leave);
    this.stream.off('resize', this.draw);
    this.#leave();
  }
}
