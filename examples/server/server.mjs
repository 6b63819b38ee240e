// Music over HTTP, sent while it is made:  node server.mjs [port] [model]
//
//   curl 'localhost:8080/music?prompt=calm+piano&seconds=5' > music.wav      also format=mp3, opus, flac (with npm node-av), seed=7
//   ffplay 'http://localhost:8080/music?prompt=techno&format=mp3'
//   curl localhost:8080/metrics                                              for Prometheus
//
// All listeners share one set of weights: each has a turn for each chunk. More than QUEUE wait in vain, who leaves is taken out, and who does
// not read for STALL_MS is put out. MUSIC_* in the environment changes the limits; HOST what it listens on (default this machine alone).
import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encodeAudio, Melody, MelodyError, recipeTags } from 'melody';
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from 'prom-client';

const [port = '8080', model = 'melody-small'] = process.argv.slice(2);
const limit = (name, preset) => Number(process.env[`MUSIC_${name}`] ?? preset);
const QUEUE = limit('QUEUE', 8); // listeners who wait for their first chunk
const MAX_SECONDS = limit('MAX_SECONDS', 600);
const MAX_PROMPT = limit('MAX_PROMPT', 500); // characters
const MAX_EACH = limit('MAX_EACH', 2); // listeners from one address
const STALL_MS = limit('STALL_MS', 30_000);
const TYPES = { wav: 'audio/wav', mp3: 'audio/mpeg', opus: 'audio/ogg; codecs=opus', flac: 'audio/flac' };
/** HTTP status of an error's code; others are 500. */
const STATUS = { invalid_argument: 400, audio: 400, busy: 503, out_of_memory: 503 };

const melody = await Melody.load(model, { queue: QUEUE, ...(process.env.MUSIC_DEVICE && { device: process.env.MUSIC_DEVICE }) });
await melody.warmup();

collectDefaultMetrics();
const requests = new Counter({ name: 'music_requests_total', help: 'Requests for music by how they ended', labelNames: ['end'] });
const made = new Counter({ name: 'music_made_seconds_total', help: 'Seconds of audio made' });
const computed = new Counter({ name: 'music_computing_seconds_total', help: 'Seconds of computing, by stage', labelNames: ['stage'] });
const waited = new Histogram({
  name: 'music_waiting_seconds',
  help: 'Seconds that a job waited for all of its turns',
  buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300],
});
const waiting = new Gauge({ name: 'music_queue_waiting', help: 'Turns that are waited for' });
subscribe('melody:chunk', ({ audioSeconds }) => made.inc(audioSeconds));
subscribe('melody:queue', (queue) => waiting.set(queue.waiting));
subscribe('melody:job', ({ waitingSeconds, stages = {} }) => {
  waited.observe(waitingSeconds);
  for (const [stage, seconds] of Object.entries(stages)) computed.inc({ stage }, seconds);
});

/** Listeners by address. */
const listeners = new Map();

/** The options in a request's address. Throws `invalid_argument`. */
function read(query) {
  const refuse = (what) => new MelodyError('invalid_argument', what);
  const format = query.get('format') ?? 'wav';
  if (!Object.hasOwn(TYPES, format)) throw refuse(`format: expected ${Object.keys(TYPES).join(', ')}`);
  const durationSeconds = Number(query.get('seconds') ?? 10);
  if (!(durationSeconds <= MAX_SECONDS)) throw refuse(`seconds: expected at most ${MAX_SECONDS}`);
  const prompt = query.get('prompt') ?? '';
  if (prompt.length > MAX_PROMPT) throw refuse(`prompt: expected at most ${MAX_PROMPT} characters`);
  return { format, options: { prompt, durationSeconds, ...(query.has('seed') && { seed: Number(query.get('seed')) }) } };
}

async function music(request, response, query) {
  const from = request.socket.remoteAddress;
  const others = listeners.get(from) ?? 0;
  if (others >= MAX_EACH) return answer(response, 429, `at most ${MAX_EACH} at a time`, { 'Retry-After': '10' });
  listeners.set(from, others + 1);
  const gone = new AbortController();
  response.once('close', () => response.writableFinished || gone.abort());
  response.setTimeout(STALL_MS, () => response.writableNeedDrain && response.destroy()); // not reading, rather than waiting for music
  let end = 'done';
  let chunks;
  try {
    const { format, options } = read(query);
    const stream = melody.stream({ ...options, signal: gone.signal });
    // The first chunk before the head: until then what goes wrong has a status of its own.
    chunks = stream[Symbol.asyncIterator]();
    const first = await chunks.next();
    const all = async function* () {
      yield first.value;
      yield* chunks;
    };
    const { recipe } = stream;
    const frames = Math.round(recipe.durationSeconds * first.value.sampleRate);
    const license = `weights of ${recipe.model}: see the model card (not a licence of this music)`;
    const tags = recipeTags({ recipe, software: 'melody', license, title: recipe.prompt });
    const bytes = encodeAudio(all(), format, { tags, frames });
    const head = await bytes.next(); // an encoder that is not installed is told here
    const body = async function* () {
      yield head.value;
      yield* bytes;
    };
    response.writeHead(200, { 'Content-Type': TYPES[format], 'X-Seed': String(recipe.seed), 'Cache-Control': 'no-store' });
    await pipeline(Readable.from(body()), response, { signal: gone.signal });
  } catch (error) {
    const known = error instanceof MelodyError ? error.code : 'unknown';
    end = gone.signal.aborted ? 'left' : known;
    if (end === 'unknown') console.error(error);
    if (response.headersSent || gone.signal.aborted)
      response.destroy(); // half a file must not look whole
    else
      answer(
        response,
        STATUS[known] ?? 500,
        known === 'unknown' ? 'something went wrong' : error.message,
        known === 'busy' ? { 'Retry-After': '30' } : {},
      );
  } finally {
    gone.abort(); // ends what was begun of the music
    void chunks?.return();
    requests.inc({ end });
    const left = listeners.get(from) - 1;
    if (left > 0) listeners.set(from, left);
    else listeners.delete(from);
  }
}

function answer(response, status, text, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, async (request, response) => {
  response.on('error', () => {}); // `close` comes too
  if (!URL.canParse(request.url, 'http://localhost')) return answer(response, 400, 'that is no address'); // such as //
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (request.method !== 'GET') answer(response, 405, 'GET only', { Allow: 'GET' });
  else if (pathname === '/music') await music(request, response, searchParams);
  else if (pathname === '/metrics') {
    response.writeHead(200, { 'Content-Type': register.contentType });
    response.end(await register.metrics());
  } else answer(response, 404, 'GET /music?prompt=…&seconds=…&format=wav|mp3|opus|flac&seed=…, GET /metrics');
});
server.listen(Number(port), process.env.HOST ?? '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  melody.dispose(); // who listens now hears the end
});
