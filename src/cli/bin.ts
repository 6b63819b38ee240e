#!/usr/bin/env node
// The `melody` command: connects main.ts to this process.
import { main } from './main.ts';

// `npm start` runs in the package's folder; the user's files are where npm was called.
if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

const stop = new AbortController();
let asked = 0; // exit code of a process that was asked to end: 128 and the number of the signal
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15], // how containers, schedulers and systemd end a process; as the first process of a container it would not end at all
] as const)
  process.once(signal, () => {
    // A second Ctrl-C ends the process at once: the handler is gone by then.
    asked ||= 128 + number;
    stop.abort();
  });
// `melody … | head` closes the pipe early: nobody reads any more, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`melody: standard output: ${error.code === 'ENOSPC' ? 'the disk is full' : error.message}\n`);
  process.exit(1);
});

// Messages may get lost; the work itself must not (`2>&1 >song.wav | head -1`, a full disk behind 2>).
process.stderr.on('error', () => {});

const done = main(process.argv.slice(2), {
  out: (data) => new Promise<void>((taken) => process.stdout.write(data, () => taken())),
  err: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY === true,
  outTerminal: process.stdout.isTTY === true,
  env: process.env,
  signal: stop.signal,
});
// Without an await of the module's own: Rolldown splits files less well where there is one.
void done.then((code) => {
  process.exitCode = code === 130 ? asked || code : code;
});
