// Every network against PyTorch: goldens of `python -m melody_train goldens`, computed in float32 from the same f16 weights.
import { beforeAll, describe, expect, it } from 'vitest';
import { reshape, type Tensor } from '../../src/graph/tensor.ts';
import { audioTower } from '../../src/models/audio_tower.ts';
import { type DualPathConfig, dualPath, dualPathAngles, dualPathTokens } from '../../src/models/dual_path.ts';
import { styleCodes, styleEmbedding } from '../../src/models/rvq.ts';
import { semanticFeatures, semanticTokens } from '../../src/models/semantic_encoder.ts';
import { kvCache, semanticLm } from '../../src/models/semantic_lm.ts';
import { textTower } from '../../src/models/text_tower.ts';
import { decoderContext, vaeDecoder } from '../../src/models/vae_decoder.ts';
import { vaeEncoder } from '../../src/models/vae_encoder.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import type { Weights } from '../../src/weights/weights.ts';
import { expectParity, type Golden, golden, modelFolder, runModel } from '../helpers/goldens.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('melody-tiny', () => {
  let weights: Weights;
  let c: ModelConfig;
  beforeAll(async () => {
    ({ weights, config: c } = await modelFolder<ModelConfig>('weights/melody-tiny'));
  });

  it('text tower', async () => {
    const gold = await golden('text_tower');
    const ids = gold.ids('in.ids');
    const { e } = await runModel(
      gpu(),
      weights,
      (g) => ({ e: textTower(g, weights.at('text_tower'), g.input('ids', [ids.length], 'u32'), c.text_tower) }),
      { ids },
    );
    expectParity(e, gold.get('out.embedding'));
  });

  it('residual vector quantiser: the same codes, and back', async () => {
    const gold = await golden('rvq');
    const [n, width] = gold.shape('in.embedding');
    const { codes, back, raw } = await runModel(
      gpu(),
      weights,
      (g) => {
        const codes = styleCodes(g, weights.at('rvq'), g.input('e', [n, width]), c.rvq);
        return { codes, back: styleEmbedding(g, weights.at('rvq'), codes, width, c.rvq) };
      },
      { e: gold.get('in.embedding') },
    );
    expect(codes.length).toBe(n * c.rvq.levels);
    expect(new Uint32Array(raw.codes)).toEqual(gold.ids('out.codes'));
    expectParity(back, gold.get('out.decoded'), 1e-5);
  });

  it('semantic encoder: features and tokens', async () => {
    const gold = await golden('semantic_encoder');
    const audio = gold.get('in.audio');
    const { features, raw } = await runModel(
      gpu(),
      weights,
      (g) => {
        const features = semanticFeatures(g, weights.at('semantic_encoder'), g.input('audio', [audio.length]));
        return { features, tokens: semanticTokens(g, weights.at('semantic_encoder'), features, c.semantic_encoder) };
      },
      { audio },
    );
    expectParity(features, gold.get('out.features'));
    expect(new Uint32Array(raw.tokens)).toEqual(gold.ids('out.tokens'));
  });

  it('audio tower', async () => {
    const gold = await golden('audio_tower');
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
      gold = await golden('semantic_lm');
      ids = gold.ids('in.ids');
    });
    const logitsOf = (rows: number) => gold.get('out.logits').subarray((rows - 1) * c.semantic_lm.words, rows * c.semantic_lm.words);

    for (const split of [0, 1, 13, 40])
      it(`prefill of ${split} ids, then decoding one by one, equals the full forward`, async () => {
        const cache = kvCache(c.semantic_lm, 1, ids.length + 3);
        const results: Record<string, Tensor> = {};
        const out = await runModel(
          gpu(),
          weights,
          (g) => {
            const all = g.input('ids', [1, ids.length], 'u32');
            const w = weights.at('semantic_lm');
            if (split === 0) results[`row ${ids.length}`] = semanticLm(g, w, all, c.semantic_lm, { cache, start: 0 });
            else {
              results[`row ${split}`] = semanticLm(g, w, g.input('first', [1, split], 'u32'), c.semantic_lm, { cache, start: 0 });
              for (let i = split; i < Math.min(ids.length, split + 5); i++)
                results[`row ${i + 1}`] = semanticLm(g, w, g.input(`id ${i}`, [1, 1], 'u32'), c.semantic_lm, { cache, start: i });
            }
            return results;
          },
          {
            ids,
            ...(split > 0 && { first: ids.slice(0, split) }),
            ...(split > 0 &&
              Object.fromEntries(
                Array.from({ length: Math.min(5, ids.length - split) }, (_, i) => [`id ${split + i}`, ids.slice(split + i, split + i + 1)]),
              )),
          },
        );
        for (const name of Object.keys(results)) expectParity(out[name], logitsOf(Number(name.slice(4))));
      });

    it('padding behind the last row changes nothing, and a batch of two equals two single runs', async () => {
      const cache = kvCache(c.semantic_lm, 2, 64);
      const rows = ids.length + 4;
      const both = new Uint32Array(2 * rows);
      both.set(ids.subarray(0, 20));
      both.set(ids, rows);
      const { a } = await runModel(
        gpu(),
        weights,
        (g) => ({
          a: semanticLm(g, weights.at('semantic_lm'), g.input('ids', [2, rows], 'u32'), c.semantic_lm, { cache, start: 0, last: 19 }),
        }),
        { ids: both },
      );
      expectParity(a.subarray(0, c.semantic_lm.words), logitsOf(20));
      expectParity(a.subarray(c.semantic_lm.words), logitsOf(20));
    });
  });

  it('variational encoder', async () => {
    const gold = await golden('vae_encoder');
    const audio = gold.get('in.audio');
    const padded = new Float32Array(Math.ceil(audio.length / c.hop_length) * c.hop_length);
    padded.set(audio);
    const { z } = await runModel(
      gpu(),
      weights,
      (g) => ({ z: vaeEncoder(g, weights.at('vae_encoder'), g.input('audio', [padded.length]), c.vae_encoder) }),
      { audio: padded },
    );
    expectParity(z, gold.get('out.latents'));
  });

  it('decoder: the whole, a start alone, and pieces with context equal the whole', async () => {
    const gold = await golden('vae_decoder');
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
    await checkDualPath(weights, await golden('dual_path'), c.dual_path);
  });
});

describe("the paper's forms, narrow, random weights", () => {
  let weights: Weights;
  let c: ModelConfig;
  beforeAll(async () => {
    ({ weights, config: c } = await modelFolder<ModelConfig>('test/goldens/paper_mini'));
  });

  it('strided convolutional encoder', async () => {
    const gold = await golden('paper_mini/vae_encoder');
    const audio = gold.get('in.audio');
    const padded = new Float32Array(Math.ceil(audio.length / c.hop_length) * c.hop_length);
    padded.set(audio);
    const { z } = await runModel(
      gpu(),
      weights,
      (g) => ({ z: vaeEncoder(g, weights.at('vae_encoder'), g.input('audio', [padded.length]), c.vae_encoder) }),
      { audio: padded },
    );
    expectParity(z, gold.get('out.latents'));
  });

  it('HiFi-GAN decoder: exactly hop · L samples', async () => {
    const gold = await golden('paper_mini/vae_decoder');
    const [frames] = gold.shape('in.latents');
    const { audio } = await runModel(
      gpu(),
      weights,
      (g) => ({ audio: vaeDecoder(g, weights.at('vae_decoder'), g.input('z', [frames, c.latent_dim]), c.vae_decoder) }),
      { z: gold.get('in.latents') },
    );
    expect(audio.length).toBe(frames * c.hop_length);
    expectParity(audio, gold.get('out.audio'));
  });

  it('dual path as printed', async () => {
    await checkDualPath(weights, await golden('paper_mini/dual_path'), c.dual_path);
  });
});

async function checkDualPath(weights: Weights, gold: Golden, c: DualPathConfig): Promise<void> {
  const [length, dim] = gold.shape('in.z');
  const ids = gold.ids('in.ids');
  const out: Record<string, Float32Array> = await runModel(
    gpu(),
    weights,
    (g): Record<string, Tensor> => {
      const w = weights.at('dual_path');
      const z = reshape(g.input('z', [length, dim]), [1, length, dim]);
      const angles = dualPathAngles(g, w, g.input('angle', [1, length]), c);
      const memory = dualPathTokens(g, w, g.input('ids', [1, ids.length], 'u32'), c);
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
    { z: gold.get('in.z'), angle: gold.get('in.angle'), ids },
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
