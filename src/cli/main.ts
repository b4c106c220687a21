#!/usr/bin/env node
import { run } from './run.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader, such as `head -1`, has closed the pipe: not a failure.
  if (error.code === 'EPIPE') return;
  process.stderr.write(`projected-token: ${error.message}\n`);
  process.exit(1);
});
// There is no stream left to report it.
process.stderr.on('error', () => {});

void run(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
