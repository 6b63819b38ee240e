// A published model at its full size with random weights, in the layout in which it is published: for speed and memory without a checkpoint.
// Nothing of it is for the repository.
//
//   node tools/run.mjs tools/full_size.ts musicgen-tiny|musicgen-small|musicgen-medium|stable-audio-open-small FOLDER [--sparse]
//   --sparse: zeros, of which a file system that has holes keeps nothing
//   node dist/cli.js generate "slow piano ballad" --model FOLDER --device cpu --duration 1 --precision int8 --variations 2 --json

import { once } from 'node:events';
import { copyFileSync, createWriteStream, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementsOf } from '../src/graph/tensor.ts';
import { systemMisfits } from '../src/systems/inspect.ts';
import { systemOf } from '../src/systems/kind.ts';
import { openSystemFolder } from '../src/systems/place.ts';
import { randomWeights } from '../src/weights/random_weights.ts';
import { writeSafetensors } from './safetensors_write.ts';

type Json = Record<string, unknown>;

const GOLDENS = 'test/goldens/systems';
const T5 = {
  model_type: 't5',
  d_model: 768,
  d_ff: 3072,
  d_kv: 64,
  num_layers: 12,
  num_heads: 12,
  vocab_size: 32_128,
  feed_forward_proj: 'relu',
};

const musicgen = (decoder: Json): Json => ({
  model_type: 'musicgen',
  text_encoder: T5,
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
  decoder: { model_type: 'musicgen_decoder', vocab_size: 2048, num_codebooks: 4, audio_channels: 1, ...decoder },
});

/** model_config.json of Stable Audio Open Small, as it is published: 341 M parameters, T5 aside. */
function stableAudioSmall(): Json {
  const json = JSON.parse(readFileSync(join(GOLDENS, 'stable_audio_small/model_config.json'), 'utf8'));
  const codec = { c_mults: [1, 2, 4, 8, 16], strides: [2, 4, 4, 8, 8], channels: 128, use_snake: true };
  Object.assign(json, { sample_size: 524_288, sample_rate: 44_100 });
  const { pretransform, conditioning, diffusion } = json.model;
  Object.assign(pretransform.config.encoder.config, codec, { in_channels: 2, latent_dim: 128 });
  Object.assign(pretransform.config.decoder.config, codec, { out_channels: 2, latent_dim: 64 });
  Object.assign(pretransform.config, { latent_dim: 64, downsampling_ratio: 2048 });
  conditioning.configs[0].config.max_length = 64;
  conditioning.configs[1].config.max_val = 256;
  conditioning.cond_dim = 768;
  Object.assign(diffusion.config, { io_channels: 64, embed_dim: 1024, depth: 16, num_heads: 8, cond_token_dim: 768, global_cond_dim: 768 });
  json.model.io_channels = 64;
  return json;
}

const MODELS: Readonly<Record<string, () => void>> = {
  // no published size: to try a script with, quickly
  'musicgen-tiny': () =>
    put('config.json', {
      ...musicgen({ hidden_size: 128, num_hidden_layers: 3, ffn_dim: 512, num_attention_heads: 4 }),
      text_encoder: { ...T5, d_model: 64, d_ff: 128, num_layers: 2, num_heads: 1 },
    }),
  'musicgen-small': () =>
    put('config.json', musicgen({ hidden_size: 1024, num_hidden_layers: 24, ffn_dim: 4096, num_attention_heads: 16 })),
  'musicgen-medium': () =>
    put('config.json', musicgen({ hidden_size: 1536, num_hidden_layers: 48, ffn_dim: 6144, num_attention_heads: 24 })),
  'stable-audio-open-small': () => {
    put('model_config.json', stableAudioSmall());
    put('t5-base/config.json', T5);
  },
};

const sparse = process.argv.includes('--sparse');
const [name = '', folder = '', ...more] = process.argv.slice(2).filter((word) => word !== '--sparse');
const make = MODELS[name];
if (!make || folder === '' || folder.startsWith('-') || more.length > 0) {
  process.stderr.write(`usage: node tools/run.mjs tools/full_size.ts ${Object.keys(MODELS).join('|')} FOLDER [--sparse]\n`);
  process.exit(2);
}
const t5 = name.startsWith('stable') ? 't5-base' : '';
mkdirSync(join(folder, t5), { recursive: true });
make();
copyFileSync(join(GOLDENS, 'musicgen_mono/tokenizer.json'), join(folder, t5, 'tokenizer.json'));
// What is missing in files that hold next to nothing is what the model asks for.
const nothing = writeSafetensors([{ name: 'nothing', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }]);
for (const part of new Set(['', t5])) writeFileSync(join(folder, part, 'model.safetensors'), nothing);
const place = openSystemFolder(folder, { cache: false });
const { kind, config } = await systemOf(place);
if (kind !== 'musicgen' && kind !== 'stable_audio') throw new Error(`${folder}: this is ${kind}`);
const { faults } = await systemMisfits(place, kind, config);
const wanted = { all: new Map<string, number[]>(), text: new Map<string, number[]>() };
for (const fault of faults) {
  const [, part, tensor, shape] = /^(?:(.*): )?(\S+): missing; expected \[([\d, ]+)\]$/.exec(fault) ?? [];
  if (tensor === undefined || shape === undefined) throw new Error(fault);
  wanted[part === 't5-base' ? 'text' : 'all'].set(tensor, shape.split(',').map(Number));
}
await write(join(folder, 'model.safetensors'), wanted.all);
if (t5) await write(join(folder, t5, 'model.safetensors'), wanted.text);

function put(path: string, json: Json): void {
  writeFileSync(join(folder, path), `${JSON.stringify(json, null, 2)}\n`);
}

/** All tensors in f32, one after another; nothing is whole in memory. */
async function write(path: string, tensors: ReadonlyMap<string, number[]>): Promise<void> {
  const header: Json = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [tensor, shape] of tensors) {
    header[tensor] = { dtype: 'F32', shape, data_offsets: [end, end + 4 * elementsOf(shape)] };
    end += 4 * elementsOf(shape);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const first = new Uint8Array(8 + length).fill(0x20);
  new DataView(first.buffer).setBigUint64(0, BigInt(length), true);
  first.set(text, 8);
  if (sparse) {
    writeFileSync(path, first);
    truncateSync(path, first.length + end);
    process.stdout.write(`${path}: ${tensors.size} tensors of zeros, ${(end / 1e9).toFixed(2)} GB\n`);
    return;
  }
  const file = createWriteStream(path);
  file.write(first);
  const weights = randomWeights(1, 'f32');
  for (const [tensor, shape] of tensors)
    for await (const { data } of weights.get(tensor, shape).read())
      if (!file.write(new Uint8Array(data.slice().buffer))) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
  process.stdout.write(`${path}: ${tensors.size} tensors, ${(end / 4e6).toFixed(1)} M parameters, ${(end / 1e9).toFixed(2)} GB\n`);
}
