/** How many bytes of a signature, or characters of its text, are a finding. */
const WINDOW = 8;

const PIECE = 100_000;
const OVERLAP = 100;

/** Where a part of a signature is in a text, and in which form. */
export interface Leak {
  readonly form: string;
  /** The text around it, without it. */
  readonly context: string;
}

/** Finds any eight bytes of any of the signatures, whatever stands around them. */
export class SignatureFinder {
  readonly #text = new Set<string>();
  readonly #bytes = new Set<string>();

  constructor(signatures: Iterable<Buffer>) {
    for (const signature of signatures) {
      for (const part of windows(signature.toString('base64url'))) this.#text.add(part);
      for (const part of windows(signature.toString('latin1'))) this.#bytes.add(part);
    }
  }

  /** The first in each form. */
  find(text: string): Leak[] {
    const found = new Map<string, Leak>();
    for (const piece of pieces(text)) {
      for (const reading of piece.includes('\\') ? [piece, unescaped(piece)] : [piece]) {
        for (const form of Object.keys(this.#forms)) {
          const leak = found.has(form) ? undefined : this.#findAs(form, reading);
          if (leak !== undefined) found.set(form, leak);
        }
      }
    }
    return [...found.values()];
  }

  #findAs(form: string, text: string): Leak | undefined {
    const { runs, positionIn } = this.#forms[form]!;
    for (const match of text.matchAll(runs)) {
      const position = positionIn(match[0]);
      if (position < 0) continue;
      const at = match.index + position;
      return { form, context: `${text.slice(Math.max(0, at - 100), at)}█` };
    }
    return undefined;
  }

  /** What may be a signature in each form, and where in such a run of characters one is; -1 when none is. */
  readonly #forms: Record<string, { runs: RegExp; positionIn: (run: string) => number }> = {
    'text of the token': {
      runs: /[\w-]{8,}/g,
      positionIn: (run) => positionOf(this.#text, run),
    },
    // In either alphabet, encoded anew from anywhere in the bytes.
    base64: {
      runs: /[\w+/-]{8,}/g,
      positionIn: (run) => this.#start([0, 1, 2, 3].map((phase) => Buffer.from(run.slice(phase), 'base64'))),
    },
    // As digits, and as `inspect` shows a Buffer.
    hex: {
      runs: /[\da-f][\da-f ]{15,}/gi,
      positionIn: (run) => {
        const digits = run.replaceAll(' ', '');
        return this.#start([digits, digits.slice(1)].map((half) => Buffer.from(half, 'hex')));
      },
    },
    // Eight random bytes are hardly ever all of ASCII.
    raw: {
      runs: /[\0-\xff]{8,}/g,
      positionIn: (run) => (/[\x80-\xff]/.test(run) ? positionOf(this.#bytes, run) : -1),
    },
  };

  /** The start of the run, if it can be read as bytes of a signature. */
  #start(readings: readonly Buffer[]): number {
    return readings.some((bytes) => positionOf(this.#bytes, bytes.toString('latin1')) >= 0) ? 0 : -1;
  }
}

/** A regular expression cannot take a run of millions of characters. The pieces overlap by more than any form of a leak is long. */
function* pieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; start += PIECE) yield text.slice(start, start + PIECE + OVERLAP);
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** What `inspect` and JSON write for some characters, as these characters. */
function unescaped(text: string): string {
  return text.replace(/\\(?:(?:x|u00)([\da-f]{2})|(.))/gi, (_, code: string | undefined, letter: string) =>
    code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function positionOf(parts: ReadonlySet<string>, run: string): number {
  for (let start = 0; start + WINDOW <= run.length; start++) {
    if (parts.has(run.slice(start, start + WINDOW))) return start;
  }
  return -1;
}

function* windows(text: string): Generator<string> {
  for (let start = 0; start + WINDOW <= text.length; start++) yield text.slice(start, start + WINDOW);
}
