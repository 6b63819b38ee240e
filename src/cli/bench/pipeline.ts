// melody bench pipeline: what a whole generation costs on this adapter, stage by stage.

import { readFileSync } from 'node:fs';
import { platform } from '#platform';
import { lengthOf } from '../../audio/channels.ts';
import { MelodyError } from '../../errors.ts';
import { MeLoDy } from '../../pipeline/melody.ts';
import { checkConfig, type Model, type ModelConfig, openModel } from '../../pipeline/model.ts';
import { Tokenizer } from '../../pipeline/stages/tokenizer.ts';
import { packageRoot } from '../../platform/node_models.ts';
import { randomWeights } from '../../weights/random_weights.ts';
import { DEFAULT_MODEL, locateModel } from '../locate_model.ts';
import type { Ceilings } from './ceilings.ts';

export interface PipelineOptions {
  /** A model folder, or a config.json with random weights. */
  readonly model?: string | undefined;
  readonly config?: string | undefined;
  readonly seconds: number;
  readonly steps?: number | undefined;
  readonly guidance?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly device?: 'gpu' | 'cpu' | undefined;
  readonly threads?: number | undefined;
  readonly say: (line: string) => void;
}

export interface StageCost {
  readonly stage: string;
  readonly ms: number;
  readonly dispatches: number;
  readonly gflop: number;
}

export interface PipelineResult {
  readonly type: 'pipeline';
  /** What computed. */
  readonly adapter: string;
  readonly model: string;
  readonly seconds: number;
  readonly steps: number;
  readonly guidance: number;
  /** First generation: reading, uploading and compiling included. */
  readonly coldSeconds: number;
  readonly stages: readonly StageCost[];
  /** Seconds of audio a second of computing, after warm-up. */
  readonly speed: number;
  /** Seconds from asking a stream to its first chunk, after warm-up, and the length of that chunk. */
  readonly firstChunkSeconds: number;
  readonly firstChunkAudio: number;
  /** Before anything ran, and as it came. */
  readonly predictedGpuBytes: number;
  readonly peakGpuBytes: number;
  readonly peakProcessBytes: number;
  readonly passes: { readonly melody: number; readonly musicGen: number; readonly musicLm: number };
}

/** Sequential network passes for s seconds: ours, and what the other designs' papers give (docs/system.md §8). */
function passCounts(seconds: number, tokenRate: number, steps: number) {
  return { melody: tokenRate * seconds + steps, musicGen: 50 * seconds, musicLm: 625 * seconds };
}

export async function benchPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const model = await modelOf(options);
  const melody = await MeLoDy.over(model, () => platform.openGpu(), { device: options.device, threads: options.threads });
  try {
    const request = {
      prompt: 'calm piano, 80 bpm',
      durationSeconds: options.seconds,
      seed: 1,
      steps: options.steps,
      guidanceScale: options.guidance,
      signal: options.signal,
    };
    const forecast = await melody.predictMemory(request);
    options.say(`${model.name}: ${(forecast.peak / 1e6).toFixed(0)} MB of GPU buffers predicted`);
    options.say(`${model.name}: first generation of ${options.seconds} s (reads, uploads, compiles)`);
    const cold = await melody.generate(request);
    options.say('second generation');
    const { timings, recipe } = await melody.generate(request);
    const stages = await stageCosts(melody, options.seconds, recipe.steps, timings);
    options.say('first chunk of a stream, cold windows, then warm');
    await firstChunk(melody, request);
    const first = await firstChunk(melody, request);
    return {
      type: 'pipeline',
      adapter: melody.engine.device.caps.name,
      model: model.name,
      seconds: options.seconds,
      steps: recipe.steps,
      guidance: recipe.guidanceScale,
      coldSeconds: cold.timings.total,
      stages,
      speed: timings.speed,
      firstChunkSeconds: first.after,
      firstChunkAudio: first.audio,
      predictedGpuBytes: forecast.peak,
      peakGpuBytes: timings.peakBytes,
      peakProcessBytes: process.resourceUsage().maxRSS * 1024,
      passes: passCounts(options.seconds, model.config.token_rate, recipe.steps),
    };
  } finally {
    melody.dispose();
  }
}

/** Costs from the plans themselves: how often each ran times what one run launches. */
async function stageCosts(
  melody: MeLoDy,
  seconds: number,
  steps: number,
  timings: Record<'style' | 'tokens' | 'diffusion' | 'decoding', number>,
): Promise<StageCost[]> {
  const tokens = Math.ceil(seconds * melody.model.config.token_rate);
  const runs: [stage: keyof typeof timings, plan: RegExp, times: number][] = [
    ['style', /^(text|style)/, 1],
    ['tokens', /^lm prefill/, 1],
    ['tokens', /^lm decode/, tokens - 1],
    ['diffusion', /^dual path tokens/, 1],
    ['diffusion', /^dual path (rotation|ddpm)/, steps],
    ['decoding', /^decoder/, 1],
  ];
  const plans = await melody.engine.plans();
  return (['style', 'tokens', 'diffusion', 'decoding'] as const).map((stage) => {
    let [dispatches, flops] = [0, 0];
    for (const [, pattern, times] of runs.filter(([s]) => s === stage)) {
      for (const [name, plan] of plans) {
        if (!pattern.test(name)) continue;
        dispatches += times * plan.dispatches;
        flops += times * plan.flops;
      }
    }
    return { stage, ms: timings[stage] * 1000, dispatches, gflop: flops / 1e9 };
  });
}

async function firstChunk(melody: MeLoDy, request: Parameters<MeLoDy['stream']>[0]) {
  const start = performance.now();
  const { prompt, seed, steps, guidanceScale, signal } = request;
  for await (const { channels, sampleRate } of melody.stream({ prompt, seed, steps, guidanceScale, signal }))
    return { after: (performance.now() - start) / 1000, audio: lengthOf(channels) / sampleRate };
  throw new MelodyError('graph', 'bench: the stream ended before its first chunk');
}

async function modelOf({ model, config, seconds, signal }: PipelineOptions): Promise<Model> {
  if (config === undefined) return openModel(platform.openFolder(locateModel(model ?? DEFAULT_MODEL)), { signal });
  const whole = benchModel(config);
  if (seconds > whole.config.window_seconds)
    throw new MelodyError('invalid_argument', `bench: got ${seconds} s, expected one window at most (${whole.config.window_seconds} s)`);
  return whole;
}

/** A model of a config of ours, or of a config.json, perhaps changed, with random weights. Throws `io`, `weights`. */
export function benchModel(config: string, change = (parsed: ModelConfig) => parsed): Model {
  const file = /^[a-z]+$/.test(config) ? new URL(`tools/train/melody_train/configs/${config}.json`, packageRoot()) : config;
  let parsed: ModelConfig;
  try {
    parsed = change(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new MelodyError(
      'io',
      `bench: cannot read the config ${String(file)}: ${(cause as Error).message}`,
      'give paper, small, tiny or a config.json',
    );
  }
  // The paper's four chunks of 62.5 tokens do not end on tokens; costs are the same with the five of docs/system.md §1.
  const perChunk = (parsed.window_seconds * parsed.token_rate) / parsed.chunks;
  const whole = checkConfig(Number.isInteger(perChunk) ? parsed : { ...parsed, chunks: 5 }, String(config));
  const tokenizer = new Tokenizer({
    type: 'melody_wordpiece',
    normalization: 'NFC',
    lowercase: true,
    max_tokens: whole.text_tower.max_tokens,
    vocab: ['[PAD]', '[UNK]', 'calm', 'piano', '80', 'bpm', ','],
  });
  const vocab = whole.text_tower.vocab ?? tokenizer.size;
  return {
    name: `${whole.name ?? config} (random weights)`,
    config: { ...whole, text_tower: { ...whole.text_tower, vocab } },
    tokenizer,
    weights: randomWeights(1, 'f16'),
  };
}

/** Tables for people. */
export function pipelineTable(r: PipelineResult, { fmaGflops }: Ceilings): string {
  const row = (cells: (string | number)[]) => cells.map((c, i) => (i ? String(c).padStart(11) : String(c).padEnd(10))).join('');
  const lines = r.stages.map((s) =>
    row([
      s.stage,
      s.ms.toFixed(0),
      s.dispatches,
      s.gflop.toFixed(2),
      (s.gflop / (s.ms / 1000)).toFixed(1),
      `${((100 * s.gflop) / (s.ms / 1000) / fmaGflops).toFixed(0)} %`,
    ]),
  );
  const total = r.stages.reduce((a, s) => ({ ms: a.ms + s.ms, d: a.d + s.dispatches, g: a.g + s.gflop }), { ms: 0, d: 0, g: 0 });
  return [
    `${r.model} on ${r.adapter}: ${r.seconds} s, ${r.steps} steps, guidance ${r.guidance}`,
    row(['stage', 'ms', 'dispatches', 'GFLOP', 'GFLOP/s', 'of ceiling']),
    ...lines,
    row(['all', total.ms.toFixed(0), total.d, total.g.toFixed(2), (total.g / (total.ms / 1000)).toFixed(1), '']),
    '',
    `speed            ${r.speed.toFixed(2)} seconds of audio a second of computing (first run, with compiling: ${(r.seconds / r.coldSeconds).toFixed(2)})`,
    `first sound      ${r.firstChunkSeconds.toFixed(2)} s to a first chunk of ${r.firstChunkAudio.toFixed(2)} s`,
    `memory           ${(r.peakGpuBytes / 1e6).toFixed(0)} MB of GPU buffers at most (${(r.predictedGpuBytes / 1e6).toFixed(0)} predicted), ${(r.peakProcessBytes / 1e6).toFixed(0)} MB of process at most`,
    `network passes   ${r.passes.melody} one after another; MusicGen ${r.passes.musicGen}, MusicLM ${r.passes.musicLm} (their papers' formulas)`,
    '',
  ].join('\n');
}
