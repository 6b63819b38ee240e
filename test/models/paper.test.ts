// Networks at the paper's sizes against PyTorch (`python -m melody_train.goldens_paper`). Both sides make the same random weights from a
// seed, so no weights file is needed. Small networks run always, the large ones (800 M parameters, minutes) with MELODY_TEST_PAPER=1.
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { reshape, type Tensor } from '../../src/graph/tensor.ts';
import { audioTower, type PatchTowerConfig } from '../../src/models/audio_tower.ts';
import { dualPath, dualPathAngles, dualPathTokens } from '../../src/models/dual_path.ts';
import { styleCodes } from '../../src/models/rvq.ts';
import { kvCache, semanticLm } from '../../src/models/semantic_lm.ts';
import { textTower } from '../../src/models/text_tower.ts';
import { vaeDecoder } from '../../src/models/vae_decoder.ts';
import { vaeEncoder } from '../../src/models/vae_encoder.ts';
import { rvqDecode } from '../../src/ops/codes.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import { logMel } from '../../src/pipeline/stages/given.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';
import type { Scope } from '../../src/weights/weights.ts';
import { expectParity, type Golden, golden } from '../helpers/goldens.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
// As in goldens_paper.py.
const SEED = 20;
const NARROW = { dim: 48, layers: 2, heads: 3, ffn: 96, embedding_dim: 16 };
const LARGE = process.env.MELODY_TEST_PAPER === '1' && process.env.MELODY_TEST_GPU !== 'default';
if (LARGE) vi.setConfig({ testTimeout: 1_800_000 });

const config = new URL('../../tools/train/melody_train/configs/paper.json', import.meta.url);
const c: ModelConfig = JSON.parse(readFileSync(config, 'utf8'));

const PAPER_TOWER = c.audio_tower as PatchTowerConfig;

type Inputs = Record<string, Float32Array | Uint32Array>;

/** Records one network over its golden; `feed` declares an input and gives it its data. */
type Recorder = (
  g: Graph,
  w: Scope,
  gold: Golden,
  feed: (name: string, data: Float32Array | Uint32Array, shape: number[]) => Tensor,
) => Record<string, Tensor>;

/** Sees what was computed, the names in the golden of results for that storage, and the limit that issue 4 sets. */
type Check = (out: Record<string, Float32Array>, made: (name: string) => string, gold: Golden, limit: number) => void;

/** The network with weights stored as f32 and as f16. */
function network(name: string, record: Recorder, check: Check): void {
  for (const storage of ['f32', 'f16'] as const)
    it(`${name}, weights as ${storage}`, async () => {
      const gold = await golden(`paper/${name}`);
      const inputs: Inputs = {};
      const body = (g: Graph) =>
        record(g, randomWeights(SEED, storage).at(name.replace('_narrow', '')), gold, (input, data, shape) => {
          inputs[input] = data;
          return g.input(input, shape, data instanceof Uint32Array ? 'u32' : 'f32');
        });
      const { raw: _, ...out } = await runGraph(gpu(), body, inputs, {}, { poison: !LARGE, guard: !LARGE });
      check(out, (what) => `${storage}.out.${what}`, gold, storage === 'f32' ? 1e-3 : 1e-2);
    });
}

const hear =
  (tower: PatchTowerConfig): Recorder =>
  (g, w, gold, feed) => {
    const audio = gold.get('in.audio');
    const mel = logMel(g, feed('audio', audio, [audio.length]), c.sample_rate);
    return { mel, e: audioTower(g, w, mel, tower) };
  };
const checkHearing: Check = ({ mel, e }, made, gold, limit) => {
  expectParity(mel, gold.get('log_mel'), 1e-3);
  expectParity(e, gold.get(made('embedding')), limit);
};

describe("networks at the paper's sizes, random weights", () => {
  network('audio_tower_narrow', hear({ ...PAPER_TOWER, ...NARROW }), checkHearing);

  network(
    'rvq',
    (g, w, gold, feed) => {
      const e = gold.get('in.embedding');
      const codes = styleCodes(g, w, feed('e', e, [...gold.shape('in.embedding')]), c.rvq);
      return { codes, back: rvqDecode(g, codes, w.get('codebooks', [c.rvq.levels, c.rvq.entries, c.text_tower.embedding_dim])) };
    },
    ({ codes, back }, made, gold) => {
      expect(new Uint32Array(codes.buffer)).toEqual(gold.ids(made('codes')));
      expectParity(back, gold.get(made('decoded')), 1e-5);
    },
  );

  network(
    'vae_encoder',
    (g, w, gold, feed) => {
      const audio = new Float32Array(Math.ceil(gold.get('in.audio').length / c.hop_length) * c.hop_length);
      audio.set(gold.get('in.audio'));
      return { z: vaeEncoder(g, w, feed('audio', audio, [audio.length]), { ...c.vae_encoder, variance: false }) };
    },
    ({ z }, made, gold, limit) => expectParity(z, gold.get(made('latents')), limit),
  );

  network(
    'vae_decoder',
    (g, w, gold, feed) => ({ audio: vaeDecoder(g, w, feed('z', gold.get('in.latents'), [...gold.shape('in.latents')]), c.vae_decoder) }),
    ({ audio }, made, gold, limit) => expectParity(audio, gold.get(made('audio')), limit),
  );
});

describe.runIf(LARGE)("large networks at the paper's sizes, random weights", () => {
  network(
    'text_tower',
    (g, w, gold, feed) => {
      const ids = gold.ids('in.ids');
      return { e: textTower(g, w, feed('ids', ids, [ids.length]), c.text_tower) };
    },
    ({ e }, made, gold, limit) => expectParity(e, gold.get(made('embedding')), limit),
  );

  network('audio_tower', hear(PAPER_TOWER), checkHearing);

  network(
    'semantic_lm',
    (g, w, gold, feed) => {
      const ids = gold.ids('in.ids');
      const cache = kvCache(c.semantic_lm, 1, ids.length);
      const start = ids.length - 5;
      const first = feed('ids', ids.subarray(0, start), [1, start]);
      const rows = [semanticLm(g, w, first, c.semantic_lm, { cache, start: 0 })];
      for (let i = start; i < ids.length; i++)
        rows.push(semanticLm(g, w, feed(`id ${i}`, ids.subarray(i, i + 1), [1, 1]), c.semantic_lm, { cache, start: i }));
      return Object.fromEntries(rows.map((row, i) => [`row ${i}`, row]));
    },
    (out, made, gold, limit) =>
      expectParity(
        Object.values(out).flatMap((row) => [...row]),
        gold.get(made('last_logits')),
        limit,
      ),
  );

  network(
    'dual_path',
    (g, w, gold, feed) => {
      const [length, dim] = gold.shape('in.z');
      const ids = gold.ids('in.ids');
      const z = reshape(feed('z', gold.get('in.z'), [length, dim]), [1, length, dim]);
      const angles = dualPathAngles(g, w, feed('angle', gold.get('in.angle'), [1, length]), c.dual_path);
      const memory = dualPathTokens(g, w, feed('ids', ids, [1, ids.length]), c.dual_path);
      return {
        velocity: dualPath(g, w, z, angles, memory, c.dual_path),
        alone: dualPath(g, w, z, angles, memory, c.dual_path, { nothing: true }),
      };
    },
    ({ velocity, alone }, made, gold, limit) => {
      expectParity(velocity, gold.get(made('velocity')), limit);
      expectParity(alone, gold.get(made('velocity_null')), limit);
    },
  );
});
