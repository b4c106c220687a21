import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** A text to be replaced in what is written next. */
export interface Swap {
  /** In latin1, as the head of an HTTP request is written. */
  readonly text: string;
  readonly replacement: string;
  /** Tells at that moment whether it is still to be replaced. */
  readonly isDue: () => boolean;
}

type Write = Duplex['_write'];
type WriteAll = NonNullable<Duplex['_writev']>;
type Pieces = Parameters<WriteAll>[0];

/** What each socket replaces in the next piece that it sends. A socket is used for one request after the other. */
const pending = new WeakMap<Duplex, Swap[]>();

/**
 * Replaces a text in the next piece of data that a socket sends. It happens beneath the buffers of the socket, and not before the
 * socket is connected: no property of the socket or of the request ever holds the replacement.
 */
export function swapInNextWrite(socket: Duplex, swap: Swap): void {
  if (typeof socket?.write !== 'function') return;
  // The socket of a mock takes what is written to it and has nothing beneath.
  if (socket.write !== Duplex.prototype.write) {
    swapInCallOfWrite(socket, swap);
    return;
  }
  const known = pending.get(socket);
  if (known !== undefined) {
    known.push(swap);
    return;
  }
  const swaps = [swap];
  pending.set(socket, swaps);
  swapBeneath(socket, () => (swaps.length === 0 ? swaps : swaps.splice(0).filter(({ isDue }) => isDue())));
}

/** Puts a layer beneath the buffers of a writable stream, by the methods that every implementation of one has. */
function swapBeneath(socket: Duplex, take: () => readonly Swap[]): void {
  const { _write: write, _writev: writeAll } = socket;
  const writeSwapped: Write = (chunk, encoding, callback) => {
    const swaps = take();
    if (swaps.length === 0) return write.call(socket, chunk, encoding, callback);
    const send = (data: unknown) => write.call(socket, data, encoding, callback);
    onceConnected(
      socket,
      () => send(replaced(chunk, swaps)),
      () => send(chunk),
    );
  };
  hide(socket, '_write', writeSwapped);
  if (typeof writeAll !== 'function') return;
  const writeAllSwapped: WriteAll = (pieces, callback) => {
    const swaps = take();
    if (swaps.length === 0) return writeAll.call(socket, pieces, callback);
    const send = (data: Pieces) => writeAll.call(socket, data, callback);
    onceConnected(
      socket,
      () => send(replacedInFirst(pieces, swaps)),
      () => send(pieces),
    );
  };
  hide(socket, '_writev', writeAllSwapped);
}

/** As Node does it: what is written earlier waits in a property of the socket, where anybody can read it. */
function onceConnected(socket: Duplex, send: () => void, giveUp: () => void): void {
  if (!(socket as Socket).connecting) {
    send();
    return;
  }
  const onConnect = () => {
    socket.off('close', giveUp);
    send();
  };
  socket.once('connect', onConnect);
  // Without a connection, Node's own error ends the write.
  socket.once('close', giveUp);
}

function swapInCallOfWrite(socket: Duplex, swap: Swap): void {
  const own = Object.getOwnPropertyDescriptor(socket, 'write');
  const { write } = socket;
  hide(socket, 'write', (chunk: unknown, ...rest: unknown[]) => {
    if (own === undefined) Reflect.deleteProperty(socket, 'write');
    else Object.defineProperty(socket, 'write', own);
    return Reflect.apply(write, socket, [swap.isDue() ? replaced(chunk, [swap]) : chunk, ...rest]);
  });
}

function replaced(chunk: unknown, swaps: readonly Swap[]): unknown {
  if (typeof chunk === 'string') return replacedInText(chunk, swaps);
  // Not `instanceof`: the bytes may be of another realm, as in Jest.
  if (!ArrayBuffer.isView(chunk)) return chunk;
  const head = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
  return Buffer.from(replacedInText(head, swaps), 'latin1');
}

function replacedInText(given: string, swaps: readonly Swap[]): string {
  let head = given;
  for (const { text, replacement } of swaps) {
    const at = head.indexOf(text);
    // Put together, as a replacement is no pattern: `$` stands for itself.
    if (at >= 0) head = head.slice(0, at) + replacement + head.slice(at + text.length);
  }
  return head;
}

function replacedInFirst(pieces: Pieces, swaps: readonly Swap[]): Pieces {
  return Object.assign([...pieces], {
    // Node keeps there whether all of them are bytes.
    allBuffers: Reflect.get(pieces, 'allBuffers'),
    0: { ...pieces[0], chunk: replaced(pieces[0]?.chunk, swaps) },
  }) as Pieces;
}

function hide(socket: Duplex, name: string, value: unknown): void {
  Object.defineProperty(socket, name, { value, configurable: true, writable: true, enumerable: false });
}
