// Stands in for the worker in the tests of what is around it: sounds at once, and slow where a word of the request says so. Tells all tabs what
// it was asked.
import type { SteeredEvent, Steering, StyleOptions } from '../../src/pipeline/options.ts';
import type { Reply, WorkerRequest } from '../../src/web/protocol.ts';

/** Stereo at 48 kHz where the address of the model says so. */
let RATE = 24_000;
let CHANNELS = 1;
const told = new BroadcastChannel('stub');
/** Settles at the page's word. */
const released = new Promise<void>((resolve) => {
  told.addEventListener('message', ({ data }) => {
    if (data.type !== 'release') return;
    resolve();
    told.postMessage({ type: 'released' });
  });
});
const aborts = new Map<number, AbortController>();
/** Of the stream that runs: its recipe, seconds heard, and where it goes back to. */
let recipe: { steered: Steering[] } = { steered: [] };
let heard = 0;
let back: number | undefined;
const post = (reply: Reply) => (globalThis as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function answer(request: WorkerRequest, signal: AbortSignal): Promise<unknown> {
  const { id } = request;
  if (request.type === 'load') {
    const at = { type: 'fetching', file: 'all', fileTotal: 1e6, total: 1e6 } as const;
    for (const received of [0, 1e6]) post({ type: 'event', id, event: { ...at, fileReceived: received, received } });
    [RATE, CHANNELS] = request.src.includes('stereo') ? [48_000, 2] : [24_000, 1];
    if (request.src.includes('quiet')) post({ type: 'event', id, event: { type: 'waiting', file: 'all' } });
    if (request.src.includes('held')) await released; // as a model that is opened: it looks at no signal
    return {
      name: 'stub',
      sampleRate: RATE,
      channels: CHANNELS,
      windowSeconds: 4,
      adapter: 'stub',
      bindingBytes: 1e8,
      software: true,
      kept: true,
    };
  }
  if (request.type !== 'stream') return undefined;
  const { prompt = '', seed = 0, steered = [] } = request.options;
  recipe = { prompt, seed, steered: [...steered] } as never;
  heard = 0;
  post({ type: 'event', id, event: { type: 'started', recipe: recipe as never } });
  if (prompt.includes('bpm'))
    post({ type: 'event', id, event: { type: 'beat', atSeconds: 0, tempo: Number.parseInt(prompt, 10), beat: 0, beatsPerBar: 2 } });
  if (prompt.includes('zither'))
    post({ type: 'event', id, event: { type: 'warning', code: 'unknown_words', message: 'no music with “zither” was heard in training' } });
  let level = 0.1;
  for (let second = 0; !signal.aborted; second++) {
    if (second === 3 && prompt.includes('breaks')) throw new Error('it broke');
    if (back !== undefined) {
      second = back;
      level = 0.4;
      back = undefined;
    }
    const channels = Array.from({ length: CHANNELS }, (_, c) =>
      Float32Array.from({ length: RATE }, (_, i) => (level / (1 + c)) * Math.sin(i / 10)),
    );
    post({ type: 'chunk', id, channels, sampleRate: RATE, startSample: second * RATE, speed: 2 });
    const pause = prompt.includes('gaps') ? 1500 : 500; // ms
    for (let wait = 0; wait < pause && !signal.aborted; wait += 50) await sleep(50);
  }
  if (prompt.includes('slow')) await sleep(700);
  throw new Error('aborted');
}

/** A change that says so is made anew two seconds after what is heard; others come at 2.4 s. */
function steeredBy({ prompt = '' }: StyleOptions): SteeredEvent {
  const anew = prompt.includes('anew');
  if (anew) back = Math.ceil(heard) + 2;
  const steering = { prompt, atSeconds: back ?? 2.4, ...(anew && { anew }) };
  recipe = { ...recipe, steered: [...recipe.steered, steering].sort((a, b) => a.atSeconds - b.atSeconds) };
  return { type: 'steered', steering, recipe: recipe as never };
}

globalThis.onmessage = async ({ data: request }: MessageEvent<WorkerRequest>) => {
  const { id, type } = request;
  if (type !== 'played') told.postMessage(request);
  if (type === 'abort') return aborts.get(id)?.abort();
  if (type === 'steer') post({ type: 'event', id, event: steeredBy(request.style) });
  if (type === 'played') heard = request.samples / RATE;
  if (type === 'steer' || type === 'played') return;
  const abort = new AbortController();
  aborts.set(id, abort);
  await answer(request, abort.signal).then(
    (value) => post({ type: 'done', id, value }),
    (error) =>
      post({ type: 'failed', id, error: { code: abort.signal.aborted ? 'aborted' : 'gpu', message: String(error), hint: undefined } }),
  );
};
