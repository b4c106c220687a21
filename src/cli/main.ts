#!/usr/bin/env node
import { run } from './run.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as `head -1`, goes away: no failure of this program.
  if (error.code === 'EPIPE') return;
  process.stderr.write(`projected-token: ${error.message}\n`);
  process.exit(1);
});
// There is nowhere left to tell it.
process.stderr.on('error', () => {});

void run(process.argv.slice(2), process).then((exitCode) => {
  process.exitCode = exitCode;
});
