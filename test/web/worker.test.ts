// The worker's protocol without a browser, on a toy model of 48 kHz in stereo: what a page is told, and what its chunks hold.
import { beforeAll, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { joinAudio } from '../../src/audio/channels.ts';
import { readWav } from '../../src/audio/wav.ts';
import { Engine } from '../../src/engine/engine.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { Fetching } from '../../src/web/model_files.ts';
import type { Reply, WorkerRequest } from '../../src/web/protocol.ts';
import { stereoModel } from '../helpers/stereo.ts';

vi.mock('../../src/web/model_files.ts', () => ({
  openModelFiles: async (src: string, { onWait }: Fetching) => onWait?.(src),
  describeModel: async () => undefined,
}));
vi.mock('../../src/pipeline/model.ts', async (original) => ({
  ...(await original<object>()),
  openModel: async (folder: unknown) =>
    folder ? (await original<typeof import('../../src/pipeline/model.ts')>()).openModel(folder as never) : stereoModel(),
}));

interface Worker {
  onmessage(event: { data: WorkerRequest }): void;
  postMessage(reply: Reply, transfer: Transferable[]): void;
}
const worker = globalThis as unknown as Worker;
const replies: { reply: Reply; transfer: Transferable[] }[] = [];
let count = 0;
let onReply: ((reply: Reply) => void) | undefined;

/** Asks, and resolves with the answer and all that came before it. */
async function ask(request: object): Promise<{ value: unknown; before: typeof replies }> {
  const id = ++count;
  worker.onmessage({ data: { ...request, id } as WorkerRequest });
  const of = () => replies.filter(({ reply }) => reply.id === id);
  await vi.waitFor(() => expect(['done', 'failed']).toContain(of().at(-1)?.reply.type), { timeout: 170_000, interval: 20 });
  const last = of().at(-1)?.reply;
  if (last?.type === 'failed') throw new Error(last.error.message);
  return { value: last?.type === 'done' ? last.value : undefined, before: of() };
}

beforeAll(async () => {
  worker.postMessage = (reply, transfer) => {
    replies.push({ reply, transfer });
    onReply?.(reply);
  };
  await import('../../src/web/worker.ts');
});

test('stereo at 48 kHz: told at loading, handed over in chunks as melody.stream makes it, measured, and written', {
  timeout: 300_000,
}, async () => {
  const { value: info, before: told } = await ask({ type: 'load', src: 'x', keep: false });
  expect(info).toMatchObject({ sampleRate: 48_000, channels: 2 });
  expect(told.flatMap(({ reply }) => (reply.type === 'event' ? [reply.event] : []))).toEqual([{ type: 'waiting', file: 'x' }]);

  const options = { prompt: 'calm piano', seed: 5, steps: 1, durationSeconds: 3.2 };
  const { before } = await ask({ type: 'stream', options, aheadSeconds: 100 });
  const chunks = before.flatMap(({ reply, transfer }) => (reply.type === 'chunk' ? [{ ...reply, transfer }] : []));
  expect(chunks.length).toBeGreaterThan(1);
  for (const { channels, sampleRate, transfer } of chunks) {
    expect([channels.length, sampleRate]).toEqual([2, 48_000]);
    expect(transfer).toEqual(channels.map(({ buffer }) => buffer)); // handed over, not copied
  }
  const made = joinAudio(...chunks.map(({ channels }) => channels));
  expect(made[0].length).toBe(3.2 * 48_000);

  const melody = await MeLoDy.over(await stereoModel(), () => platform.openGpu(), { device: 'cpu' }); // as a worker without navigator.gpu
  const own: Float32Array[][] = [];
  for await (const { channels } of melody.stream(options)) own.push(channels);
  melody.dispose();
  const whole = joinAudio(...own);
  expect(made.map((channel, c) => channel.findIndex((v, i) => v !== whole[c][i]))).toEqual([-1, -1]);
  expect(whole[0].length).toBe(made[0].length);

  const { value: description } = await ask({ type: 'measure', channels: made, sampleRate: 48_000 });
  expect(description).toMatchObject({ duration: 3.2 });
  const { value: file } = await ask({ type: 'wav', channels: made, sampleRate: 48_000, recipe: {}, title: 'x', license: 'none' });
  const wav = readWav(file as Uint8Array);
  expect([wav.sampleRate, wav.channels.length, wav.channels[1].length]).toEqual([48_000, 2, 3.2 * 48_000]);
  await ask({ type: 'unload' });
});

test('changes that come one upon the other are all taken up, though nothing more is heard meanwhile', { timeout: 170_000 }, async () => {
  await ask({ type: 'load', src: 'x', keep: false });
  const id = ++count;
  const of = <T extends Reply['type']>(type: T) =>
    replies.flatMap(({ reply }) => (reply.id === id && reply.type === type ? [reply as Extract<Reply, { type: T }>] : []));
  const changes = () => of('event').flatMap(({ event }) => (event.type === 'steered' ? [event] : []));
  const send = (request: object) => worker.onmessage({ data: { ...request, id } as WorkerRequest });
  const soon = (what: () => void) => vi.waitFor(what, { timeout: 150_000, interval: 1 });
  send({ type: 'stream', options: { prompt: 'calm piano', seed: 5, steps: 1 }, aheadSeconds: 0.5 });
  await soon(() => expect(of('chunk').length).toBeGreaterThan(0));
  send({ type: 'steer', style: { prompt: 'techno, 140 bpm' } });
  await soon(() => expect(changes()).toHaveLength(1));
  send({ type: 'steer', style: { prompt: 'calm harp' } }); // while the window of the first is made
  await soon(() => expect(changes()).toHaveLength(2));
  expect(changes()[1].recipe.steered?.at(-1)).toMatchObject({ prompt: 'calm harp', anew: true });
  send({ type: 'abort' });
  await soon(() => expect(of('failed').length).toBe(1));
  await ask({ type: 'unload' });
});

test('no thread rests while a change is made that is to be heard soon, however much was made ahead before', {
  timeout: 170_000,
}, async () => {
  await ask({ type: 'load', src: 'x', keep: false });
  const resting: number[] = [];
  const restThreads = vi.spyOn(Engine.prototype, 'restThreads').mockImplementation((threads) => void resting.push(threads));
  const id = ++count;
  const send = (request: object) => worker.onmessage({ data: { ...request, id } as WorkerRequest });
  /** How many rest once the page said what is heard, at every such reply. */
  const seen = { chunk: [] as (number | undefined)[], steered: [] as (number | undefined)[] };
  let played = 0;
  onReply = (reply) => {
    const what = reply.type === 'event' ? reply.event.type : reply.type;
    if (reply.id !== id || (what !== 'chunk' && what !== 'steered')) return;
    send({ type: 'played', samples: ++played });
    seen[what].push(resting.at(-1));
  };
  const soon = (what: () => void) => vi.waitFor(what, { timeout: 150_000, interval: 1 });
  try {
    send({ type: 'stream', options: { prompt: 'calm piano', seed: 5, steps: 1 }, aheadSeconds: 8 });
    await soon(() => expect(seen.chunk.at(-1)).toBe(1)); // enough is there
    send({ type: 'steer', style: { prompt: 'techno, 140 bpm' } });
    await soon(() => expect(seen.steered).toEqual([0]));
    send({ type: 'abort' });
    await soon(() => expect(replies.some(({ reply }) => reply.id === id && reply.type === 'failed')).toBe(true));
  } finally {
    onReply = undefined;
    restThreads.mockRestore();
  }
  await ask({ type: 'unload' });
});
