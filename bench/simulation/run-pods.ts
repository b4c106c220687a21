// Simulates the pods that it is sent, one after the other, in a process of its own: the clock of a process is one. pod-fleet.ts starts it.
import { type Pod, simulatePod } from './pod-life.js';

// Nobody looks at the stack traces of the reads that fail while a volume is gone.
Error.stackTraceLimit = 0;

process.on('message', async (pod: Pod) => {
  process.send!(await simulatePod(pod));
});
