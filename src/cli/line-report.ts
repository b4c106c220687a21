import { printable } from '../internal/printable.js';
import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { BoundToken } from '../token/bound-token.js';
import { inCommandWords } from './command-words.js';
import { EXPIRY_MARGIN_SECONDS, fromNow, lifetimeBar } from './lifetime.js';
import type { CreateReport, EventDetails, WatchedEvent } from './report.js';
import { canRedraw, columnsOf, type Paint, paintFor, wrap } from './terminal.js';

const EVENT_WIDTH = 'recovered'.length;
const INDENTATION = 'hh:mm:ss  '.length + EVENT_WIDTH + 2;

/** What a terminal itself adds to the line when it is interrupted. */
const ECHO = '^C';

/** Prints a line for each event, and below them the life of the token as a bar. */
export const lineReport: CreateReport = ({ stdout, env }, provider, showToken) => {
  const paint = paintFor(stdout, env);
  const erase = () => canRedraw(stdout, env) && stdout.write('\r\u001b[K');
  const draw = () => erase() && stdout.write(lifeLine(provider, paint, columnsOf(stdout) - ECHO.length - 1));
  return {
    tell(event, details) {
      erase();
      const { colour, sentence } = EVENTS[event];
      const time = paint('dim', new Date().toLocaleTimeString('en-GB'));
      const text = wrap(printable(sentence(details)), stdout, INDENTATION);
      stdout.write(`${time}  ${paint(colour, event.padEnd(EVENT_WIDTH))}  ${text}\n`);
      if (showToken && details.current !== undefined) stdout.write(`${details.current.value}\n`);
      draw();
    },
    tick: draw,
    end: erase,
  };
};

const inUse = ({ current }: EventDetails) => `${current!.fingerprint}${expiry(current!)}`;

const EVENTS: Record<
  WatchedEvent,
  { colour: 'green' | 'yellow' | 'red'; sentence: (details: EventDetails) => string }
> = {
  ready: { colour: 'green', sentence: inUse },
  rotated: {
    colour: 'green',
    sentence: ({ current, previous }) => `${previous!.fingerprint} → ${inUse({ current })}`,
  },
  rejected: { colour: 'yellow', sentence: ({ error }) => inCommandWords(error!.message) },
  overdue: {
    colour: 'yellow',
    sentence: ({ current }) => `${current!.fingerprint} should have been replaced by now${expiry(current!)}`,
  },
  expired: {
    colour: 'red',
    sentence: ({ previous }) =>
      `${previous!.fingerprint} counts as expired ${EXPIRY_MARGIN_SECONDS} s before its expiry, and no acceptable token has followed`,
  },
  recovered: { colour: 'green', sentence: inUse },
  degraded: {
    colour: 'yellow',
    sentence: ({ error }) => `Cannot watch the directory; polling instead. ${error!.message}`,
  },
  restored: { colour: 'green', sentence: () => 'Watching the directory again.' },
  error: { colour: 'red', sentence: ({ error }) => inCommandWords(error!.message) },
};

function expiry({ expiresAt }: BoundToken): string {
  return expiresAt === undefined ? '' : `, expires ${fromNow(expiresAt, Date.now())}`;
}

const MAX_BAR = 40;
const MIN_BAR = 8;
const BESIDE_BAR = ' 100 %  0123456789ab, expires in 59 min 59 s'.length;

/** Returns a line that fits the columns, as a wrapped line could not be erased. */
function lifeLine({ current }: ProjectedTokenProvider, paint: Paint, columns: number): string {
  if (current === undefined) return paint('dim', 'waiting for an acceptable token'.slice(0, columns));
  const text = `${current.fingerprint}${expiry(current)}`;
  const width = Math.min(MAX_BAR, columns - BESIDE_BAR);
  const bar = width < MIN_BAR ? undefined : lifetimeBar(current, Date.now(), paint, width);
  return bar === undefined ? text.slice(0, columns) : `${bar}  ${text}`;
}
