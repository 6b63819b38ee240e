// Music over HTTP:  node server.mjs [port] [model]   then   curl 'localhost:8080/music?prompt=calm+piano&seconds=5' > music.wav
//
// A Melody makes one clip at a time, so requests wait in a queue. Who leaves is taken out of it, and work for them stops.
import { createServer } from 'node:http';
import { Melody, MelodyError, writeWav } from 'melody';

const [port = '8080', model = 'melody-small'] = process.argv.slice(2);
const MAX_WAITING = 8;
const MAX_SECONDS = 60;

const melody = await Melody.load(model);
let last = Promise.resolve();
let waiting = 0;

/** Runs work after all that was asked before. */
function inTurn(work) {
  const mine = last.then(work);
  last = mine.catch(() => {});
  return mine;
}

async function music(request, response) {
  const query = new URL(request.url, 'http://localhost').searchParams;
  const durationSeconds = Number(query.get('seconds') ?? 10);
  if (!(durationSeconds <= MAX_SECONDS)) return answer(response, 400, `seconds: at most ${MAX_SECONDS}`);
  if (waiting >= MAX_WAITING) return answer(response, 503, 'the queue is full', { 'Retry-After': '30' });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  waiting++;
  try {
    const clip = await inTurn(() => {
      gone.signal.throwIfAborted(); // left while waiting
      return melody.generate({ prompt: query.get('prompt') ?? '', durationSeconds, signal: gone.signal });
    });
    const wav = writeWav(clip);
    response.writeHead(200, { 'Content-Type': 'audio/wav', 'Content-Length': wav.length, 'X-Seed': String(clip.recipe.seed) });
    response.end(wav);
  } catch (error) {
    if (gone.signal.aborted) console.log('a listener left: their music is not made');
    else if (error instanceof MelodyError && error.code === 'invalid_argument') answer(response, 400, error.message);
    else answer(response, 500, error.message);
  } finally {
    waiting--;
  }
}

function answer(response, status, text, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

const server = createServer((request, response) => {
  if (request.method === 'GET' && request.url.startsWith('/music?')) void music(request, response);
  else answer(response, 404, 'GET /music?prompt=…&seconds=…');
});
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => {
  server.close();
  melody.dispose();
});
