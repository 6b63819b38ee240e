// A clip that was stopped goes on from its draft, and is the clip that an undisturbed run makes (docs/requirements.md §2.7).
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Draft } from '../../src/pipeline/draft.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { GenerateOptions, MelodyEvent } from '../../src/pipeline/options.ts';
import { countRuns } from '../helpers/cost.ts';
import { TEST_CPU, TEST_GPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });
const load = (options = TEST_CPU) => MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), options);
const tone = { channels: [Float32Array.from({ length: 96_000 }, (_, i) => 0.3 * Math.sin(i / 20))] as const, sampleRate: 24_000 };
const options = { prompt: 'calm piano', durationSeconds: 4.8, steps: 2, seed: 5 } satisfies GenerateOptions;

let melody: MeLoDy;
let runs: () => number; // of plans: what work costs
beforeAll(async () => {
  melody = await load();
  runs = countRuns(melody.engine);
});
afterAll(() => melody.dispose());

/** Of an undisturbed run; many cases ask for the same. */
const wholes = new Map<GenerateOptions, Promise<{ samples: Float32Array; cost: number }>>();
function undisturbed(wanted: GenerateOptions) {
  const whole = wholes.get(wanted) ?? counted(wanted);
  wholes.set(wanted, whole);
  return whole;
}

async function counted(options: GenerateOptions): Promise<{ samples: Float32Array; cost: number }> {
  const before = runs();
  const { channels } = await melody.generate(options);
  return { samples: channels[0], cost: runs() - before };
}

/** Stops at the nth progress event of a stage. */
function stopAt(stage: string, nth: number) {
  const stop = new AbortController();
  let seen = 0;
  const onEvent = (event: MelodyEvent) => {
    if (event.type === 'progress' && event.stage === stage && ++seen === nth) stop.abort();
  };
  return { signal: stop.signal, onEvent };
}

describe('aborted and called again with its draft', () => {
  const cases: [name: string, stage: string, nth: number, options: GenerateOptions][] = [
    ['at the style', 'style', 1, options],
    ['within the tokens', 'tokens', 2, options],
    ['within the second window', 'diffusion', 5, options],
    ['at the decoding', 'decoding', 1, options],
    ['a loop', 'decoding', 1, { ...options, loop: true }],
    ['windows in parallel', 'diffusion', 5, { ...options, durationSeconds: 9.6, parallelWindows: 2 }],
    ['behind given audio', 'decoding', 1, { ...options, continueFrom: tone }],
    ['within given audio', 'decoding', 1, { prompt: 'piano', steps: 2, seed: 1, initAudio: tone, inpaint: [{ start: 1, end: 2 }] }],
    ['steered', 'decoding', 1, { ...options, steered: [{ atSeconds: 3, prompt: 'fast rock' }] }],
  ];
  it.each(cases)('%s: the same bytes', async (_name, stage, nth, wanted) => {
    const whole = await undisturbed(wanted);
    const draft = new Draft();
    await expect(melody.generate({ ...wanted, draft, ...stopAt(stage, nth) })).rejects.toMatchObject({ code: 'aborted' });
    const rest = await counted({ ...wanted, draft });
    expect(rest.samples).toEqual(whole.samples);
    if (stage === 'decoding') expect(rest.cost).toBeLessThan(whole.cost / 3); // only style and decoding are done again
    if (stage === 'diffusion') expect(rest.cost).toBeLessThan(whole.cost);
  });

  it('more than once, and when it is done it makes the clip again for the price of the decoding', async () => {
    const whole = await undisturbed(options);
    const draft = new Draft();
    for (const nth of [3, 4])
      await expect(melody.generate({ ...options, draft, ...stopAt('diffusion', nth) })).rejects.toMatchObject({ code: 'aborted' });
    expect((await counted({ ...options, draft })).samples).toEqual(whole.samples);
    const again = await counted({ ...options, draft });
    expect(again.samples).toEqual(whole.samples);
    expect(again.cost).toBeLessThan(whole.cost / 3);
  });

  it('without a seed: the one that was drawn', async () => {
    const { seed: _, ...drawn } = options;
    const draft = new Draft();
    expect(draft.seed).toBeUndefined();
    await expect(melody.generate({ ...drawn, draft, ...stopAt('decoding', 1) })).rejects.toMatchObject({ code: 'aborted' });
    const { recipe, channels } = await melody.generate({ ...drawn, draft });
    expect(recipe.seed).toBe(draft.seed);
    expect((await melody.generate({ ...drawn, seed: recipe.seed })).channels[0]).toEqual(channels[0]);
  });

  it('on another Melody, after the GPU was lost for good', async () => {
    const draft = new Draft();
    const frail = await load(TEST_GPU);
    let lost = 0;
    const onEvent = (event: MelodyEvent) => {
      if (event.type !== 'progress' || event.stage !== 'diffusion' || event.fraction < 0.6) return;
      lost += 1;
      frail.engine.gpu.device.destroy();
    };
    await expect(frail.generate({ ...options, draft, onEvent })).rejects.toMatchObject({ code: 'device_lost' });
    expect(lost).toBeGreaterThan(1);
    frail.dispose();
    const other = await load(TEST_GPU);
    const count = countRuns(other.engine);
    const whole = await other.generate(options);
    const cost = count();
    const rest = await other.generate({ ...options, draft });
    other.dispose();
    expect(rest.channels).toEqual(whole.channels);
    expect(count() - cost).toBeLessThan(cost);
  });

  it('with other options or other audio: refused before any work', async () => {
    const draft = new Draft();
    await melody.generate({ ...options, durationSeconds: 0.8, continueFrom: tone, draft });
    const louder = { ...tone, channels: [tone.channels[0].map((v) => 1.1 * v)] };
    for (const other of [{ seed: 6 }, { continueFrom: louder }, { continueFrom: undefined }])
      await expect(melody.generate({ ...options, durationSeconds: 0.8, continueFrom: tone, draft, ...other })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('was begun for a clip of other options'),
      });
  });
});
