// Networks of published systems against the libraries that made them: folders and goldens of tools/systems_goldens.py, computed in f32.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Cpu } from '../../src/cpu/runner.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { codebooks, encodecDecoderFrames, encodecDecoderSamples, encodecEncoder } from '../../src/models/encodec.ts';
import { keysAndValues, musicgenStep, musicgenText } from '../../src/models/musicgen_decoder.ts';
import { t5Encoder } from '../../src/models/t5_encoder.ts';
import { rvqDecode } from '../../src/ops/codes.ts';
import { rvqEncode } from '../../src/ops/quantise.ts';
import { readEncodec, readMusicgen } from '../../src/systems/musicgen/config.ts';
import type { JsonObject } from '../../src/weights/json.ts';
import type { Weights } from '../../src/weights/weights.ts';
import { nmse } from '../helpers/data.ts';
import { type Golden, golden, modelFolder, runModel } from '../helpers/goldens.ts';
import { runnerOf, useGpu } from '../helpers/gpu.ts';

const adapter = useGpu();
let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open(platform.threads, { threads: 1 });
});
afterAll(() => cpu.dispose());

const LIMIT = 1e-9;

function expectEqual(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  expect(nmse(got, expected)).toBeLessThanOrEqual(LIMIT);
}

const turned = (x: ArrayLike<number>, rows: number, cols: number) =>
  Float32Array.from({ length: rows * cols }, (_, i) => x[(i % rows) * cols + Math.floor(i / rows)]);

type Run = <Names extends string>(
  weights: Weights,
  body: (g: Graph) => Record<Names, Tensor>,
  inputs: Record<string, Float32Array | Uint32Array>,
) => ReturnType<typeof runModel<Names>>;

describe('WebGPU', () => compareAll(adapter));
describe('CPU', () => compareAll(() => cpu as unknown as Gpu));

function compareAll(gpu: () => Gpu): void {
  const run: Run = (weights, body, inputs) => runModel(gpu(), weights, body, inputs, {});
  for (const name of ['musicgen_mono', 'musicgen_stereo'])
    describe(name, async () => {
      const { weights, config } = await modelFolder<JsonObject>(`test/goldens/systems/${name}`);
      const c = readMusicgen(config, name);
      const gold: Golden = await golden(`systems/${name}.golden`);

      it('text encoder', async () => {
        const prompt = gold.ids('prompt');
        const { y } = await run(
          weights,
          (g) => ({ y: t5Encoder(g, weights.at('text_encoder'), g.input('ids', [prompt.length], 'u32'), c.text_encoder) }),
          {
            ids: prompt,
          },
        );
        expectEqual(y, gold.get('text_encoder'));
      });

      it('decoder, column by column, with the text and without', async () => {
        const { decoder } = c;
        const [k, columns] = gold.shape('columns');
        const length = gold.ids('prompt').length;
        const runner = runnerOf(gpu());
        const [cache, text] = [keysAndValues('self', decoder, 2, columns + 1), keysAndValues('text', decoder, 1, length + 2)];
        const reading = new Graph(gpu().caps);
        const states = reading.input('states', [length, c.text_encoder.d_model]);
        const projection = c.text_encoder.d_model === decoder.hidden_size ? undefined : weights.at('enc_to_dec_proj');
        musicgenText(reading, weights.at('decoder'), projection, states, decoder, text);
        const stepping = new Graph(gpu().caps);
        const column = stepping.scalar('column');
        const step = { cache, text, textLength: length, column, batch: 2 } as const;
        stepping.output('logits', musicgenStep(stepping, weights.at('decoder'), stepping.input('ids', [1, k], 'u32'), decoder, step));
        weights.check();
        const [read, one] = [
          await runner.compile(reading, { poison: true }),
          await runner.compile(stepping, { poison: true, guard: true }),
        ];
        read.run({}, { states: gold.get('text_encoder') });
        const ids = gold.ids('columns');
        const vocab = decoder.vocab_size;
        for (let t = 0; t < columns; t++) {
          one.run({ column: t }, { ids: Uint32Array.from({ length: k }, (_, q) => ids[q * columns + t]) });
          const logits = await one.read('logits');
          for (const [i, part] of ['logits', 'logits_without'].entries()) {
            const expected = gold.get(part);
            expectEqual(
              logits.subarray(i * k * vocab, (i + 1) * k * vocab),
              Float32Array.from({ length: k * vocab }, (_, n) => expected[(Math.floor(n / vocab) * columns + t) * vocab + (n % vocab)]),
            );
          }
        }
        read.dispose();
        one.dispose();
        runner.residents.dispose();
      });

      it('codec: codes → audio, and audio → codes', async () => {
        const codec = c.audio_encoder;
        const w = weights.at('audio_encoder');
        const channels = c.decoder.audio_channels;
        const [all, frames] = gold.shape('codes');
        const levels = all / channels;
        const codes = gold.ids('codes');
        const own = Uint32Array.from(
          { length: frames * levels },
          (_, i) => codes[(i % levels) * channels * frames + Math.floor(i / levels)],
        );
        const { audio } = await run(
          weights,
          (g) => {
            const z = rvqDecode(g, g.input('codes', [frames, levels], 'u32'), codebooks(w, codec, levels));
            return { audio: encodecDecoderSamples(g, w, encodecDecoderFrames(g, w, z, codec), codec) };
          },
          { codes: own },
        );
        expectEqual(audio, gold.get('codec_audio'));
        const sound = gold.get('audio');
        const { raw } = await run(
          weights,
          (g) => ({ codes: rvqEncode(g, encodecEncoder(g, w, g.input('audio', [sound.length, 1]), codec), codebooks(w, codec, levels)) }),
          { audio: sound },
        );
        const [, encoded] = gold.shape('encoded');
        const got = new Uint32Array(raw.codes);
        const expected = gold.ids('encoded');
        const different = expected.filter((code, i) => got[(i % encoded) * levels + Math.floor(i / encoded)] !== code);
        expect([...different]).toEqual([]);
        expect(got.length).toBe(expected.length);
      });
    });

  describe('encodec_48', async () => {
    const { weights, config } = await modelFolder<JsonObject>('test/goldens/systems/encodec_48');
    const c = readEncodec(config, 'encodec_48');
    const gold = await golden('systems/encodec_48.golden');
    const decode = (g: Graph, z: Tensor) => {
      const audio = encodecDecoderSamples(g, weights, encodecDecoderFrames(g, weights, z, c), c);
      return { audio };
    };

    it('group norms and stereo, decoder', async () => {
      const [levels, frames] = gold.shape('codes');
      const codes = turned(gold.get('codes'), levels, frames);
      const { audio } = await run(
        weights,
        (g) => decode(g, rvqDecode(g, g.input('codes', [frames, levels], 'u32'), codebooks(weights, c, levels))),
        { codes: Uint32Array.from(codes) },
      );
      expectEqual(turned(audio, audio.length / 2, 2), gold.get('codec_audio'));
    });

    it('one frame, shorter than its padding', async () => {
      const [levels, frames] = gold.shape('codes');
      const codes = gold.ids('codes').filter((_, i) => i % frames === 0);
      const { audio } = await run(
        weights,
        (g) => decode(g, rvqDecode(g, g.input('codes', [1, levels], 'u32'), codebooks(weights, c, levels))),
        { codes },
      );
      expectEqual(turned(audio, audio.length / 2, 2), gold.get('short_audio'));
    });

    it('encoder', async () => {
      const [channels, samples] = gold.shape('audio');
      const audio = turned(gold.get('audio'), channels, samples);
      const { z } = await run(weights, (g) => ({ z: encodecEncoder(g, weights, g.input('audio', [samples, channels]), c) }), { audio });
      const [hidden, frames] = gold.shape('latents');
      expectEqual(turned(z, frames, hidden), gold.get('latents'));
    });
  });
}
