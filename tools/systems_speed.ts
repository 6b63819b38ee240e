// MusicGen at a published size with random weights: seconds and memory of one clip, without a checkpoint.
//
//   node tools/run.mjs tools/systems_speed.ts [--size small|medium] [--device cpu|gpu] [--seconds 1] [--threads n] [--precision f16|f32]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readMusicgen } from '../src/systems/musicgen/config.ts';
import { MusicGen } from '../src/systems/musicgen/musicgen.ts';
import { T5Tokenizer } from '../src/systems/t5_tokenizer.ts';
import { randomWeights } from '../src/weights/random_weights.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'small' },
    device: { type: 'string', default: 'cpu' },
    seconds: { type: 'string', default: '1' },
    threads: { type: 'string' },
    precision: { type: 'string' },
  },
});

const SIZES = {
  small: { hidden_size: 1024, num_hidden_layers: 24, ffn_dim: 4096, num_attention_heads: 16 },
  medium: { hidden_size: 1536, num_hidden_layers: 48, ffn_dim: 6144, num_attention_heads: 24 },
};
const decoder = SIZES[values.size as keyof typeof SIZES];
const config = readMusicgen(
  {
    text_encoder: { model_type: 't5', d_model: 768, d_ff: 3072, num_layers: 12, num_heads: 12 },
    audio_encoder: {
      model_type: 'encodec',
      sampling_rate: 32_000,
      num_filters: 64,
      upsampling_ratios: [8, 5, 4, 4],
      codebook_size: 2048,
      target_bandwidths: [2.2],
      use_causal_conv: false,
      use_conv_shortcut: false,
    },
    decoder,
  },
  values.size,
);
const json = JSON.parse(readFileSync('test/goldens/systems/musicgen_mono/tokenizer.json', 'utf8'));
const model = {
  name: `musicgen-${values.size}, random`,
  config,
  sampling: { guidanceScale: 3, temperature: 1, topK: 250, topP: 1 },
  tokenizer: new T5Tokenizer(json, 'tokenizer.json'),
  weights: randomWeights(1, 'f16'),
  licence: 'none: random weights',
};
const before = performance.now();
const music = await MusicGen.over(model, {
  device: values.device as 'cpu' | 'gpu',
  untested: true,
  ...(values.threads && { threads: Number(values.threads) }),
  ...(values.precision && { precision: values.precision as 'f16' | 'f32' }),
});
const options = { prompt: 'slow piano ballad with warm strings', durationSeconds: Number(values.seconds), seed: 1 };
const forecast = await music.predictMemory(options);
for (const name of ['first, with loading', 'second']) {
  const cpu = process.cpuUsage();
  const { timings } = await music.generate(options);
  const { user, system } = process.cpuUsage(cpu);
  const { style, tokens, decoding, total, peakBytes } = timings;
  console.log(
    JSON.stringify({ name, style, tokens, decoding, total, cpuSeconds: (user + system) / 1e6, peakMB: Math.round(peakBytes / 1e6) }),
  );
}
for (const [name, plan] of await music.engine.plans())
  console.log(JSON.stringify({ plan: name, dispatches: plan.dispatches, gflop: plan.flops / 1e9, MB: plan.bytes / 1e6 }));
const { name, executor } = music.engine.device.caps;
const rss = Math.round(process.resourceUsage().maxRSS / 1e3);
console.log(
  JSON.stringify({
    device: name,
    executor,
    forecastMB: Math.round(forecast.peak / 1e6),
    processMB: rss,
    wallSeconds: (performance.now() - before) / 1000,
  }),
);
music.dispose();
