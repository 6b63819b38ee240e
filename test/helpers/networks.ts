// Every network of one model folder against PyTorch: goldens of tools/train, computed in float32 from the same f16 weights.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { reshape, type Tensor } from '../../src/graph/tensor.ts';
import { audioTower } from '../../src/models/audio_tower.ts';
import { type DualPathConfig, dualPath, dualPathAngles, dualPathTokens } from '../../src/models/dual_path.ts';
import { styleCodes } from '../../src/models/rvq.ts';
import { semanticFeatures, semanticTokens, timbreTokens } from '../../src/models/semantic_encoder.ts';
import { controlSum, KEYS, type KvCache, kvCache, semanticLm } from '../../src/models/semantic_lm.ts';
import { styleHeads } from '../../src/models/style_heads.ts';
import { textTower } from '../../src/models/text_tower.ts';
import {
  decoderContext,
  framingOf,
  type RunningDecoderConfig,
  runningDecoder,
  runningInputs,
  runningSound,
  vaeDecoder,
} from '../../src/models/vae_decoder.ts';
import { type VaeEncoderConfig, vaeEncoder } from '../../src/models/vae_encoder.ts';
import { rvqDecode } from '../../src/ops/codes.ts';
import { pitchTurns } from '../../src/ops/phase.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import type { Weights } from '../../src/weights/weights.ts';
import { expectParity, type Golden, golden, modelFolder, runModel } from './goldens.ts';
import { runGraph } from './gpu.ts';

/** Tests of all networks of `model` against test/goldens/`goldens`. */
export function compareNetworks(gpu: () => Gpu, model: string, goldens: string): void {
  const goldOf = (network: string) => golden(`${goldens}${network}`);
  let weights: Weights;
  let c: ModelConfig;
  beforeAll(async () => {
    ({ weights, config: c } = await modelFolder<ModelConfig>(model));
  });

  it('text tower', async () => {
    const gold = await goldOf('text_tower');
    const ids = gold.ids('in.ids');
    const { e } = await runModel(
      gpu(),
      weights,
      (g) => ({ e: textTower(g, weights.at('text_tower'), g.input('ids', [ids.length], 'u32'), c.text_tower) }),
      { ids },
    );
    expectParity(e, gold.get('out.embedding'));
  });

  it('style heads, where the model has them', async () => {
    const { controls } = c.semantic_lm;
    if (!controls) return expect(weights.has('style_heads.weight')).toBe(false);
    const gold = await goldOf('style_heads');
    const e = gold.get('in.embedding');
    const sizes = [controls.tempo_bins, KEYS, controls.metres.length];
    const { logits } = await runModel(
      gpu(),
      weights,
      (g) => ({ logits: styleHeads(g, weights.at('style_heads'), g.input('e', [1, e.length]), sizes) }),
      { e },
    );
    expectParity(
      logits,
      ['tempo', 'key', 'metre'].flatMap((name) => [...gold.get(`out.${name}`)]),
    );
  });

  it('residual vector quantiser: the same codes, and back', async () => {
    const gold = await goldOf('rvq');
    const [n, width] = gold.shape('in.embedding');
    const { codes, back, raw } = await runModel(
      gpu(),
      weights,
      (g) => {
        const codes = styleCodes(g, weights.at('rvq'), g.input('e', [n, width]), c.rvq);
        return { codes, back: rvqDecode(g, codes, weights.at('rvq').get('codebooks', [c.rvq.levels, c.rvq.entries, width])) };
      },
      { e: gold.get('in.embedding') },
    );
    expect(codes.length).toBe(n * c.rvq.levels);
    expect(new Uint32Array(raw.codes)).toEqual(gold.ids('out.codes'));
    expectParity(back, gold.get('out.decoded'), 1e-5);
  });

  it('semantic encoder: features and tokens', async () => {
    const gold = await goldOf('semantic_encoder');
    const audio = gold.get('in.audio');
    const { features, raw } = await runModel(
      gpu(),
      weights,
      (g): Record<string, Tensor> => {
        const features = semanticFeatures(g, weights.at('semantic_encoder'), g.input('audio', [audio.length]));
        const tokens = semanticTokens(g, weights.at('semantic_encoder'), features, c.semantic_encoder);
        if (!gold.has('out.timbre')) return { features, tokens };
        return { features, tokens, timbre: timbreTokens(g, weights.at('semantic_encoder'), features, tokens, c.semantic_encoder) };
      },
      { audio },
    );
    expectParity(features, gold.get('out.features'));
    const tokens = new Uint32Array(raw.tokens);
    expect(tokens).toEqual(gold.ids('out.tokens'));
    if (!gold.has('out.timbre')) return;
    const blocks = new Uint32Array(raw.timbre);
    expect(tokens.map((_, at) => blocks[Math.floor(at / (c.semantic_encoder.timbre_frames ?? 1))])).toEqual(gold.ids('out.timbre'));
  });

  it('audio tower', async () => {
    const gold = await goldOf('audio_tower');
    const { e } = await runModel(
      gpu(),
      weights,
      (g) => ({ e: audioTower(g, weights.at('audio_tower'), g.input('f', gold.shape('in.features')), c.audio_tower) }),
      { f: gold.get('in.features') },
    );
    expectParity(e, gold.get('out.embedding'));
  });

  describe('semantic language model', () => {
    let gold: Golden;
    let ids: Uint32Array;
    beforeAll(async () => {
      gold = await goldOf('semantic_lm');
      ids = gold.ids('in.ids');
    });
    const logitsOf = (rows: number) => gold.get('out.logits').subarray((rows - 1) * c.semantic_lm.words, rows * c.semantic_lm.words);

    /** Ids from…to−1 of the golden at their places, in every sequence of the cache, `more` of padding behind them → logits of row `last`. */
    const speak = (g: Graph, inputs: Record<string, Uint32Array>, cache: KvCache, from: number, to: number, more = 0, last?: number) => {
      const batch = cache.layers[0].k.shape[0];
      const shape = [batch, to - from + more];
      const feed = (name: string, at: (i: number) => number) => {
        inputs[name] = Uint32Array.from({ length: shape[0] * shape[1] }, (_, i) =>
          i % shape[1] < to - from ? at(from + (i % shape[1])) : 0,
        );
        return g.input(name, shape, 'u32');
      };
      const w = weights.at('semantic_lm');
      let controls: Tensor | undefined;
      if (gold.has('in.control_rows')) {
        const rows = gold.ids('in.control_rows'); // [T, 3]
        const told = (part: 'clock' | 'key' | 'tempo', place: number) => feed(`${part} ${from} ${to}`, (i) => rows[3 * i + place]);
        controls = controlSum(g, w, { clock: told('clock', 0), key: told('key', 1), tempo: told('tempo', 2) }, c.semantic_lm);
      }
      const ids_ = feed(`ids ${from} ${to}`, (i) => ids[i]);
      return semanticLm(g, w, ids_, c.semantic_lm, { cache, start: from, last, controls });
    };

    for (const split of [0, 1, 13, 28])
      it(`prefill of ${split || 'all'} ids, then decoding one by one, equals the full forward`, async () => {
        const cache = kvCache(c.semantic_lm, 1, ids.length + 3);
        const inputs: Record<string, Uint32Array> = {};
        const body = (g: Graph) => {
          if (split === 0) return { [ids.length]: speak(g, inputs, cache, 0, ids.length) };
          const rows: Record<string, Tensor> = { [split]: speak(g, inputs, cache, 0, split) };
          for (let i = split; i < Math.min(ids.length, split + 5); i++) rows[i + 1] = speak(g, inputs, cache, i, i + 1);
          return rows;
        };
        const { raw: _, ...out } = await runModel(gpu(), weights, body, inputs);
        expect(Object.keys(out)).toHaveLength(split ? 6 : 1);
        for (const [row, logits] of Object.entries(out)) expectParity(logits, logitsOf(Number(row)));
      });

    it('padding behind the last row changes nothing, and a batch of two equals two single runs', async () => {
      const inputs: Record<string, Uint32Array> = {};
      const cache = kvCache(c.semantic_lm, 2, 64);
      const { a } = await runModel(gpu(), weights, (g) => ({ a: speak(g, inputs, cache, 0, 20, 13, 19) }), inputs);
      expectParity(a.subarray(0, c.semantic_lm.words), logitsOf(20));
      expectParity(a.subarray(c.semantic_lm.words), logitsOf(20));
    });
  });

  it('variational encoder', async () => {
    await checkEncoder(gpu(), weights, await goldOf('vae_encoder'), c.vae_encoder);
  });

  it('decoder: the whole, a start alone, and pieces with context equal the whole', async () => {
    const gold = await goldOf('vae_decoder');
    if (c.vae_decoder.kind === 'istft_running') return checkRunningDecoder(gpu(), weights, gold, c.vae_decoder);
    const z = gold.get('in.latents');
    const frames = z.length / c.latent_dim;
    const reach = decoderContext(c.vae_decoder);
    const from = reach + 3;
    const { whole, start, piece } = await runModel(
      gpu(),
      weights,
      (g) => {
        const run = (name: string, n: number) => vaeDecoder(g, weights.at('vae_decoder'), g.input(name, [n, c.latent_dim]), c.vae_decoder);
        return { whole: run('z', frames), start: run('first', 20), piece: run('middle', frames - 3) };
      },
      { z, first: z.slice(0, 20 * c.latent_dim), middle: z.slice(3 * c.latent_dim) },
    );
    expectParity(whole, gold.get('out.audio'));
    expectParity(start, gold.get('out.audio_first_20_frames_alone'));
    expectParity(piece.slice((from - 3) * c.hop_length), whole.slice(from * c.hop_length), 1e-4);
  });

  it('dual path: token memory, both branches of guidance', async () => {
    await checkDualPath(gpu(), weights, await goldOf('dual_path'), c.dual_path);
  });
}

/** Latents of a golden's audio, [n] or [channels, n] padded with zeros to whole hops. */
export async function checkEncoder(gpu: Gpu, weights: Weights, gold: Golden, c: VaeEncoderConfig): Promise<void> {
  const shape = gold.shape('in.audio');
  const n = shape[shape.length - 1];
  const channels = gold.get('in.audio').length / n;
  const samples = Math.ceil(n / c.hop_length) * c.hop_length;
  const audio = new Float32Array(channels * samples);
  for (let i = 0; i < channels; i++) audio.set(gold.get('in.audio').subarray(i * n, (i + 1) * n), i * samples);
  const { z } = await runModel(
    gpu,
    weights,
    (g) => ({ z: vaeEncoder(g, weights.at('vae_encoder'), g.input('audio', [...shape.slice(0, -1), samples]), c) }),
    { audio },
  );
  expectParity(z, gold.get('out.latents'));
}

/** Head and synthesis to parity, the synthesis under the golden's phases; the engine's own choice of pitches in all but few places near ties. */
export async function checkRunningDecoder(gpu: Gpu, weights: Weights, gold: Golden, c: RunningDecoderConfig): Promise<void> {
  const bins = c.fft_size / 2 + 1;
  const [frames, dim] = gold.shape('in.latents');
  const rows = frames * c.upsample;
  const words = (name: string) => Uint32Array.from(gold.get(name), (turns) => Math.round(turns * 2 ** 32) % 2 ** 32);
  const { head, audio, own, raw } = await runGraph(
    gpu,
    (g) => {
      const run = { ...runningInputs(g, c), first: 0, end: rows };
      const made = runningDecoder(g, weights.at('vae_decoder'), g.input('z', [frames, dim]), c, run, g.input('noise', [rows, bins]));
      const audio = runningSound(g, made.head, g.input('golden turns', [rows, bins], 'u32'), c);
      weights.check();
      return { head: made.head, phase: made.phase, own: made.audio, audio };
    },
    {
      z: gold.get('in.latents'),
      noise: gold.get('in.noise'),
      start: words('in.start'),
      drift: new Uint32Array(bins),
      turns: pitchTurns(c.pitches, framingOf(c), c.reference_pitch),
      'golden turns': words('out.turns'),
    },
    { first: 0, end: rows, low: 0, high: 0, block: 0, period: 0 },
    { guard: false },
  );
  const [some, outputs] = gold.shape('out.head_every_4th');
  const width = head.length / rows;
  expect(some).toBe(Math.ceil(rows / 4));
  const every4th = Array.from({ length: some * outputs }, (_, i) => head[4 * Math.floor(i / outputs) * width + (i % outputs)]);
  expectParity(every4th, gold.get('out.head_every_4th'));
  expectParity(audio, gold.get('out.audio'));
  // Gains of phase, so that one other choice counts once and not in every later frame.
  const [phase, turns] = [new Uint32Array(raw.phase), gold.get('out.turns')];
  let others = 0;
  for (let i = bins; i < turns.length; i++) {
    const gain = (phase[i] - phase[i - bins]) / 2 ** 32 - (turns[i] - turns[i - bins]);
    if (Math.abs(gain - Math.round(gain)) > 1e-2) others += 1;
  }
  expect(others / turns.length).toBeLessThan(5e-3);
  if (others === 0) expectParity(own, gold.get('out.audio'), 5e-2); // errors of phase add up
}

export async function checkDualPath(gpu: Gpu, weights: Weights, gold: Golden, c: DualPathConfig): Promise<void> {
  const [length, dim] = gold.shape('in.z');
  const ids = gold.ids('in.ids');
  const out: Record<string, Float32Array> = await runModel(
    gpu,
    weights,
    (g): Record<string, Tensor> => {
      const w = weights.at('dual_path');
      const z = reshape(g.input('z', [length, dim]), [1, length, dim]);
      const angles = dualPathAngles(g, w, g.input('angle', [1, length]), c);
      const timbre = gold.has('in.timbre') ? g.input('timbre', [1, ids.length], 'u32') : undefined;
      const memory = dualPathTokens(g, w, g.input('ids', [1, ids.length], 'u32'), c, timbre);
      return {
        angles,
        pooled: memory.pooled,
        k: memory.blocks[0][0].k,
        v: memory.blocks[0][0].v,
        ...(memory.aligned && { aligned: memory.aligned }),
        ...(memory.skip && { skip: memory.skip }),
        velocity: dualPath(g, w, z, angles, memory, c),
        alone: dualPath(g, w, z, angles, memory, c, { nothing: true }),
      };
    },
    { z: gold.get('in.z'), angle: gold.get('in.angle'), ids, ...(gold.has('in.timbre') && { timbre: gold.ids('in.timbre') }) },
  );
  expectParity(out.angles, gold.get('angle_embedding'));
  expectParity(out.pooled, gold.get('tokens.pooled'));
  expectParity(out.k, gold.get('tokens.block0_k'));
  expectParity(out.v, gold.get('tokens.block0_v'));
  if (out.aligned) expectParity(out.aligned, gold.get('tokens.aligned'));
  if (out.skip) expectParity(out.skip, gold.get('tokens.skip'));
  expectParity(out.velocity, gold.get('out.velocity'));
  expectParity(out.alone, gold.get('out.velocity_null'));
}
