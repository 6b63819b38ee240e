#!/usr/bin/env node
// The `melody` command: connects main.ts to this process.
import { main } from './main.ts';

// `npm start` runs in the package's folder; the user's files are where npm was called.
if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

const stop = new AbortController();
process.once('SIGINT', () => {
  // A second Ctrl-C ends the process at once: the handler is gone by then.
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
  process.exitCode = code;
});
