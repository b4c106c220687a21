// Loaded into every Node process of a recorded run before all else (NODE_OPTIONS): writes down what the process prints, and the
// signature of every token that it mints. Plain JavaScript, because a process may have nothing that runs TypeScript.
import { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const directory = process.env.PROJECTED_TOKEN_RECORDING;

if (directory !== undefined) {
  mkdirSync(directory, { recursive: true });
  // Opened now: the process may give up the right to later.
  const records = openSync(join(directory, `${process.pid}.${threadId}.records`), 'a');
  const signatures = openSync(join(directory, `${process.pid}.${threadId}.signatures`), 'a');

  const command = [...process.execArgv.slice(-2), ...process.argv.slice(1)].join(' ');
  /** Writes down something that can be seen from outside of the process. */
  const record = (source, text, during = command) =>
    writeSync(records, `${JSON.stringify({ source, during, text })}\n`);
  globalThis[Symbol.for('projected-token:record')] = record;

  for (const source of ['stdout', 'stderr']) {
    const stream = process[source];
    const write = stream.write;
    stream.write = function (chunk, ...rest) {
      record(source, typeof chunk === 'string' ? chunk : readings(Buffer.from(chunk)));
      return write.call(this, chunk, ...rest);
    };
  }

  /** Bytes, as the text that they may be and as they are. */
  function readings(bytes) {
    return `${bytes.toString('utf8')}\n${bytes.toString('latin1')}`;
  }

  // A child that gets an environment of its own is recorded as well.
  const { spawn } = ChildProcess.prototype;
  ChildProcess.prototype.spawn = function (options) {
    for (const name of ['NODE_OPTIONS', 'PROJECTED_TOKEN_RECORDING']) {
      const isSet = options.envPairs.some((pair) => pair.startsWith(`${name}=`));
      if (!isSet) options.envPairs.push(`${name}=${process.env[name]}`);
    }
    return spawn.call(this, options);
  };

  // What signs tokens: the test kit, by way of jose.
  const subtle = Object.getPrototypeOf(crypto.subtle);
  const sign = subtle.sign;
  subtle.sign = async function (algorithm, key, data) {
    const signature = await sign.call(this, algorithm, key, data);
    if (key.type === 'private') writeSync(signatures, `${Buffer.from(signature).toString('hex')}\n`);
    return signature;
  };
}
