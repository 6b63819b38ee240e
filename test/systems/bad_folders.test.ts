// Folders that cannot be played, one fault each: what is said must name the file and the fault. Nothing is copied or computed.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import { type ByteFolder, type ByteSource, memorySource } from '../../src/platform/bytes.ts';
import { systemMisfits } from '../../src/systems/inspect.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { openMusicgen } from '../../src/systems/musicgen/model.ts';
import { type SystemPlace, withoutPointers } from '../../src/systems/place.ts';
import { openStableAudio } from '../../src/systems/stable_audio/model.ts';

type Json = Record<string, unknown>;
/** What stands in the place of a file: nothing, text, or its JSON changed. */
type Change = null | string | Uint8Array | ((json: Json) => void);
type Changes = Readonly<Record<string, Change>>;

const goldens = new URL('../goldens/systems/', import.meta.url);
const TOKENIZER = 'tokenizer/tokenizer.json';

function bytesAt(model: string, path: string): Uint8Array | undefined {
  const file = path === TOKENIZER ? new URL('musicgen_mono/tokenizer.json', goldens) : new URL(`${model}/${path}`, goldens);
  try {
    return new Uint8Array(readFileSync(file));
  } catch {
    return undefined;
  }
}

/** A golden folder with some files changed. */
const place = (model: string, changes: Changes): SystemPlace => ({
  ...withoutPointers(folderOf(model, changes, '')),
  part: (name) => withoutPointers(folderOf(model, changes, `${name}/`)),
});

function folderOf(model: string, changes: Changes, base: string): ByteFolder {
  return {
    name: `${model}${base && `/${base.slice(0, -1)}`}`,
    async open(file): Promise<ByteSource | undefined> {
      const path = `${base}${file}`;
      const change = changes[path];
      if (change === null) return undefined;
      const text = (value: string) => new TextEncoder().encode(value);
      let bytes = bytesAt(model, path);
      if (typeof change === 'string') bytes = text(change);
      else if (change instanceof Uint8Array) bytes = change;
      else if (change) {
        const json = JSON.parse(bytes ? new TextDecoder().decode(bytes) : '{}') as Json;
        change(json);
        bytes = text(JSON.stringify(json));
      }
      return bytes && memorySource(`${model}/${path}`, bytes);
    },
  };
}

/** What opening says and what it says to do, and what is then found not to fit. */
async function heard(model: string, changes: Changes): Promise<{ text: string; hint?: string | undefined }> {
  const folder = place(model, changes);
  try {
    const { kind, config } = await systemOf(folder);
    if (kind === 'melody') throw new Error('a MeLoDy model');
    if (kind === 'musicgen') await openMusicgen(folder, config);
    if (kind === 'stable_audio') await openStableAudio(folder, config);
    return { text: (await systemMisfits(folder, kind, config)).faults.join('\n') };
  } catch (error) {
    if (!(error instanceof MelodyError)) throw error;
    return { text: error.message, hint: error.hint };
  }
}

const said = async (model: string, changes: Changes): Promise<string> => (await heard(model, changes)).text;

const set = (path: string, value: unknown) => (json: Json) => {
  const names = path.split('.');
  const last = names.pop() as string;
  const at = names.reduce((part, name) => part[name] as Json, json);
  if (value === undefined) delete at[last];
  else at[last] = value;
};

const LFS =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 462640\n';
const cut = (model: string, path: string, bytes: number) => (bytesAt(model, path) as Uint8Array).slice(0, bytes);

type Bad = [name: string, model: string, changes: Changes, message: string | RegExp];

const FOLDERS: Bad[] = [
  ['nothing in it', 'nowhere', {}, 'nowhere: no config.json'],
  [
    'pickles alone',
    'nowhere',
    { 'pytorch_model.bin': 'x' },
    'pytorch_model.bin is a pickle, which could run any code; expected safetensors',
  ],
  ['the pickle of stable-audio-tools', 'nowhere', { 'model.ckpt': 'x' }, 'model.ckpt is a pickle'],
  ['an unknown model', 'musicgen_mono', { 'config.json': set('model_type', 'bark') }, 'unknown model_type "bark"'],
  ['no model_type', 'musicgen_mono', { 'config.json': set('model_type', undefined) }, 'config.json: it names no model_type'],
  [
    'a MusicGen that says it is MusicGen Melody',
    'musicgen_mono',
    { 'config.json': set('model_type', 'musicgen_melody') },
    'audio_enc_to_dec_proj.weight: missing',
  ],
  ['T5 by itself', 'musicgen_mono', { 'config.json': set('model_type', 't5') }, 'this is T5, a text encoder'],
  ['a config that is no JSON', 'musicgen_mono', { 'config.json': '{"model_type": musicgen' }, 'musicgen_mono/config.json'],
  [
    'a config that is a pointer of Git LFS',
    'musicgen_mono',
    { 'config.json': LFS },
    'musicgen_mono/config.json: this is a pointer of Git LFS',
  ],
  [
    'an unknown pipeline',
    'stable_audio',
    { 'model_index.json': set('_class_name', 'AudioLDM2Pipeline') },
    'unknown pipeline "AudioLDM2Pipeline"',
  ],
  [
    'a pipeline without a class',
    'stable_audio',
    { 'model_index.json': set('_class_name', undefined) },
    'unknown pipeline without _class_name',
  ],
  ['one part of a pipeline', 'stable_audio/transformer', {}, 'this is one part of a pipeline, a StableAudioDiTModel'],
];

const WEIGHTS: Bad[] = [
  ['no weights', 'musicgen_mono', { 'model.safetensors': null }, 'neither model.safetensors.index.json nor model.safetensors is there'],
  [
    'weights that are a pointer of Git LFS',
    'musicgen_mono',
    { 'model.safetensors': LFS },
    'model.safetensors: this is a pointer of Git LFS',
  ],
  [
    'weights of no bytes',
    'musicgen_mono',
    { 'model.safetensors': '' },
    'musicgen_mono/model.safetensors: not a safetensors file: got 0 bytes',
  ],
  [
    'half of a file',
    'musicgen_mono',
    { 'model.safetensors': cut('musicgen_mono', 'model.safetensors', 200_000) },
    /musicgen_mono\/model.safetensors: .*(ends|bytes)/,
  ],
  [
    'a page of an error in the place of weights',
    'musicgen_mono',
    { 'model.safetensors': '<!doctype html><p>404' },
    'musicgen_mono/model.safetensors',
  ],
  [
    'a missing shard',
    'musicgen_stereo',
    { 'model-00002-of-00002.safetensors': null, 'tokenizer.json': '{}' },
    /tokenizer|shard .* is missing/,
  ],
  ['half of a pipeline: no transformer', 'stable_audio', { 'transformer/config.json': null }, 'transformer/config.json is missing'],
  [
    'half of a pipeline: no codec',
    'stable_audio',
    { 'vae/config.json': null },
    'vae/config.json is missing; model_index.json names that part',
  ],
  [
    'half of a pipeline: no scheduler',
    'stable_audio',
    { 'scheduler/scheduler_config.json': null },
    'scheduler/scheduler_config.json is missing',
  ],
  ['half of a pipeline: no T5', 'stable_audio', { 'text_encoder/config.json': null }, 'text_encoder/config.json is missing'],
  [
    'T5 without weights',
    'stable_audio',
    { 'text_encoder/model.safetensors': null },
    'stable_audio/text_encoder: neither model.safetensors.index.json nor model.safetensors is there',
  ],
  [
    'a transformer without weights',
    'stable_audio',
    { 'transformer/diffusion_pytorch_model.safetensors': null },
    'stable_audio/transformer: neither diffusion_pytorch_model.safetensors.index.json nor diffusion_pytorch_model.safetensors is there',
  ],
  [
    'a missing shard of a part',
    'stable_audio_ode',
    { 'transformer/diffusion_pytorch_model-00003-of-00004.safetensors': null },
    'stable_audio_ode/transformer: shard diffusion_pytorch_model-00003-of-00004.safetensors is missing',
  ],
  [
    'shards of two exports',
    'stable_audio_ode',
    {
      'vae/diffusion_pytorch_model-00002-of-00002.safetensors': bytesAt(
        'stable_audio_ode',
        'vae/diffusion_pytorch_model-00001-of-00002.safetensors',
      ) as Uint8Array,
    },
    'index and shard disagree',
  ],
  [
    'the weights of another part',
    'stable_audio',
    { 'vae/diffusion_pytorch_model.safetensors': bytesAt('stable_audio', 'transformer/diffusion_pytorch_model.safetensors') as Uint8Array },
    /vae: decoder.conv1.weight: missing/,
  ],
];

const CONFIGS: Bad[] = [
  ['no tokenizer', 'musicgen_mono', { 'tokenizer.json': null }, 'musicgen_mono: no tokenizer.json'],
  ['no tokenizer of a pipeline', 'stable_audio', { [TOKENIZER]: null }, 'stable_audio/tokenizer: no tokenizer.json'],
  ['a tokenizer of another kind', 'stable_audio', { [TOKENIZER]: set('model.type', 'BPE') }, 'tokenizer/tokenizer.json'],
  [
    'a tokenizer of another model',
    'stable_audio',
    { 'text_encoder/config.json': set('vocab_size', 300) },
    '600 pieces, of which config.json knows 300',
  ],
  ['a width that lies', 'musicgen_mono', { 'config.json': set('decoder.ffn_dim', 40) }, 'fc1.weight: got [44, 24]; expected [40, 24]'],
  [
    'a layer too many',
    'stable_audio',
    { 'transformer/config.json': set('num_layers', 3) },
    'transformer: transformer_blocks.2.norm1.weight: missing',
  ],
  [
    'a layer too few',
    'stable_audio',
    { 'transformer/config.json': set('num_layers', 1) },
    'num_layers of transformer/config.json leaves out weights',
  ],
  [
    'a block of the codec too few',
    'stable_audio',
    {
      'vae/config.json': (c) => {
        c.downsampling_ratios = [2, 3];
        c.channel_multiples = [1, 2];
      },
    },
    'downsampling_ratios of vae/config.json leaves out weights',
  ],
  [
    'strides that lie',
    'stable_audio',
    { 'vae/config.json': set('downsampling_ratios', [2, 3, 5]) },
    /vae: decoder.block.0.conv_t1.weight_v: got \[15, 10, 8\]; expected \[15, 10, 10\]/,
  ],
  [
    'strides without widths',
    'stable_audio',
    { 'vae/config.json': set('channel_multiples', [1, 2]) },
    '3 downsampling_ratios need as many channel_multiples; got 2',
  ],
  [
    'latents of another codec',
    'stable_audio',
    {
      'vae/config.json': (c) => {
        c.decoder_input_channels = 5;
        c.encoder_hidden_size = 10;
      },
    },
    "decoder_input_channels is 5, the transformer's in_channels 6",
  ],
  [
    'heads that do not share',
    'stable_audio',
    { 'transformer/config.json': set('num_key_value_attention_heads', 3) },
    'num_attention_heads 2 do not share num_key_value_attention_heads 3',
  ],
  [
    'heads of a width that does not turn',
    'stable_audio',
    { 'transformer/config.json': set('attention_head_dim', 10) },
    'attention_head_dim is 10; expected a multiple of 4',
  ],
  [
    'an unknown scheduler',
    'stable_audio',
    { 'model_index.json': set('scheduler', ['diffusers', 'DDIMScheduler']) },
    'scheduler must be a known class; got "DDIMScheduler"',
  ],
  [
    'an unknown transformer',
    'stable_audio',
    { 'model_index.json': set('transformer', ['diffusers', 'FluxTransformer2DModel']) },
    'transformer must be StableAudioDiTModel; got "FluxTransformer2DModel"',
  ],
  [
    'a scheduler of an order that is not there',
    'stable_audio',
    { 'scheduler/scheduler_config.json': set('solver_order', 3) },
    'scheduler_config.json does not hold together:\n  solver_order must be a whole number from 1 to 2; got 3',
  ],
  [
    'a schedule that runs backwards',
    'stable_audio',
    { 'scheduler/scheduler_config.json': set('sigma_min', 600) },
    'sigma_min is 600, sigma_max 500; expected a range',
  ],
  [
    'seconds without a range',
    'stable_audio',
    { 'projection_model/config.json': set('max_value', 0) },
    'min_value is 0, max_value 0; expected a range',
  ],
  [
    'a text encoder of another width',
    'stable_audio',
    { 'projection_model/config.json': set('text_encoder_dim', 20) },
    "text_encoder_dim is 20, the text encoder's d_model 16",
  ],
  [
    'a size that no model has',
    'stable_audio',
    { 'transformer/config.json': set('num_layers', 1e9) },
    'num_layers must be a whole number from 1 to 256; got 1000000000',
  ],
  [
    'a recurrent layer of the codec too few',
    'musicgen_mono',
    { 'config.json': set('audio_encoder.num_lstm_layers', 1) },
    'audio_encoder.num_lstm_layers of config.json leaves out weights',
  ],
  [
    'shortcuts that are left out',
    'musicgen_stereo',
    {
      'config.json': set('audio_encoder.use_conv_shortcut', false),
      'tokenizer.json': bytesAt('musicgen_mono', 'tokenizer.json') as Uint8Array,
    },
    'use_conv_shortcut of config.json is false, and there are shortcuts',
  ],
  [
    'a decoder of fewer codebooks than the codec has',
    'musicgen_mono',
    { 'config.json': set('decoder.audio_channels', 2) },
    'decoder.num_codebooks is 4; the codec has 8 of them for 2 channels',
  ],
  [
    'a codec whose norms go over all of a piece',
    'musicgen_mono',
    { 'config.json': set('audio_encoder.norm_type', 'time_group_norm') },
    'audio_encoder.norm_type is time_group_norm, whose norms go over all of a piece; expected weight_norm',
  ],
  [
    'a codec that makes loudness alike',
    'musicgen_mono',
    { 'config.json': set('audio_encoder.normalize', true) },
    'audio_encoder.normalize is true; expected false',
  ],
  [
    'a codec with filters around its activations',
    'stable_audio_small',
    { 'model_config.json': set('model.pretransform.config.decoder.config.antialias_activation', true) },
    'model.pretransform.config.decoder.config.antialias_activation must be false',
  ],
  [
    'strides of one half of a codec alone',
    'stable_audio_small',
    { 'model_config.json': set('model.pretransform.config.encoder.config.strides', [4, 2]) },
    'model.pretransform.config.encoder.config.strides must be those of the decoder',
  ],
  ['a codebook of one entry', 'encodec_48', { 'config.json': set('codebook_size', 1) }, 'codebook_size must be a whole number from 2'],
  [
    'millions of codebooks',
    'encodec_48',
    { 'config.json': set('target_bandwidths', [1e4]) },
    /target_bandwidths make \d{4,} codebooks: .* expected 1 to 256/,
  ],
  [
    'frames of more samples than there are numbers',
    'encodec_48',
    { 'config.json': set('upsampling_ratios', new Array(16).fill(64)) },
    'upsampling_ratios make frames of 7.922816251426434e+28 samples',
  ],
  [
    'norms of attention that are left out',
    'stable_audio_small',
    {
      'model_config.json': set('model.diffusion.config.attn_kwargs', undefined),
      't5-base/tokenizer.json': bytesAt('musicgen_mono', 'tokenizer.json') as Uint8Array,
    },
    'attn_kwargs.qk_norm of model_config.json leaves out norms',
  ],
  ['sizes that are text', 'stable_audio', { 'vae/config.json': set('decoder_channels', '5') }, 'decoder_channels must be a whole number'],
];

/** A safetensors file whose header is changed; the values stay. */
function headed(
  model: string,
  path: string,
  change: (header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>) => void,
): Uint8Array {
  const bytes = bytesAt(model, path) as Uint8Array;
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  change(header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + bytes.length - 8 - size);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(bytes.subarray(8 + size), 8 + text.length);
  return out;
}

const PAGE = '<!doctype html><title>Sign in</title>';
const NORM = 'decoder.model.decoder.layer_norm.weight';
const MONO = 'model.safetensors';
const INDEX = 'transformer/diffusion_pytorch_model.safetensors.index.json';
const SHARD = 'transformer/diffusion_pytorch_model-00002-of-00004.safetensors';
const ODE = 'stable_audio_ode';

const FILES: Bad[] = [
  [
    'a config, and weights that are a pickle alone',
    'musicgen_mono',
    { [MONO]: null, 'pytorch_model.bin': 'x' },
    'pytorch_model.bin is a pickle, which could run any code',
  ],
  [
    'a config that is a page',
    'musicgen_mono',
    { 'config.json': PAGE },
    'musicgen_mono/config.json: expected the document as a JSON value; got "<!doctype ht"',
  ],
  ['a config that is a list', 'musicgen_mono', { 'config.json': '[1]' }, 'musicgen_mono/config.json: expected a JSON object; got a list'],
  [
    'a config of no bytes',
    'musicgen_mono',
    { 'config.json': '' },
    'musicgen_mono/config.json: expected the document as a JSON value; got the end of the text',
  ],
  [
    'half of a config',
    'musicgen_mono',
    { 'config.json': cut('musicgen_mono', 'config.json', 200) },
    'musicgen_mono/config.json: the text ends inside a string',
  ],
  [
    'a config of a part that is a page',
    'stable_audio',
    { 'vae/config.json': PAGE },
    'stable_audio/vae/config.json: expected the document as a JSON value',
  ],
  [
    'a model_index that is a pointer of Git LFS',
    'stable_audio',
    { 'model_index.json': LFS },
    'stable_audio/model_index.json: this is a pointer of Git LFS',
  ],
  ['a tokenizer that is a page', 'musicgen_mono', { 'tokenizer.json': PAGE }, 'musicgen_mono/tokenizer.json: not JSON'],
  [
    'a tokenizer that is a pointer of Git LFS',
    'musicgen_mono',
    { 'tokenizer.json': LFS },
    'musicgen_mono/tokenizer.json: this is a pointer of Git LFS',
  ],
  [
    'a tokenizer without pieces',
    'musicgen_mono',
    { 'tokenizer.json': set('model.vocab', []) },
    'musicgen_mono/tokenizer.json: unk_id is 2, expected one of 0 pieces',
  ],
  ['a shard that is a pointer of Git LFS', ODE, { [SHARD]: LFS }, `${ODE}/${SHARD}: this is a pointer of Git LFS`],
  [
    'a shard that is cut short',
    ODE,
    { [SHARD]: cut(ODE, SHARD, 3000) },
    `${ODE}/${SHARD}: the file is cut short: got 3000 bytes, expected 5336`,
  ],
  ['a shard that is a page', ODE, { [SHARD]: PAGE }, `${ODE}/${SHARD}: not a safetensors file: got a web page`],
  ['an index that is a page', ODE, { [INDEX]: PAGE }, `${ODE}/${INDEX}: expected the index as "{"; got "<!doctype ht"`],
  ['an index that is a pointer of Git LFS', ODE, { [INDEX]: LFS }, `${ODE}/${INDEX}: this is a pointer of Git LFS`],
  [
    'an index without a map',
    ODE,
    { [INDEX]: set('weight_map', undefined) },
    `${ODE}/${INDEX}: no weight_map; an index must map tensor names to shard files`,
  ],
  [
    'an index that leads out of the folder',
    ODE,
    { [INDEX]: (j) => Object.assign(j.weight_map as Json, { 'proj_in.weight': '../vae/x.safetensors' }) },
    `${ODE}/${INDEX}: shard name "../vae/x.safetensors" is not a plain file name`,
  ],
  [
    'an index that names a file which is not there',
    ODE,
    { [INDEX]: (j) => Object.assign(j.weight_map as Json, { 'proj_in.weight': 'other.safetensors' }) },
    `${ODE}/transformer: shard other.safetensors is missing; the index names it`,
  ],
  [
    'a tensor that is missing',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        h.renamed = h[NORM] as never;
        delete h[NORM];
      }),
    },
    `${NORM}: missing; expected [24]`,
  ],
  [
    'a tensor of another shape',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        (h[NORM] as { shape: number[] }).shape = [4, 6];
      }),
    },
    `${NORM}: got [4, 6]; expected [24]`,
  ],
  [
    'a tensor of a type that is none of numbers with a point',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        (h[NORM] as { dtype: string }).dtype = 'I32';
      }),
    },
    `${NORM}: got dtype I32, a float is needed; expected [24]`,
  ],
  [
    'a tensor of a type that nobody knows',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        (h[NORM] as { dtype: string }).dtype = 'F12';
      }),
    },
    `musicgen_mono/${MONO}: header: tensor "${NORM}": unknown dtype "F12"`,
  ],
  [
    'a tensor of more bytes than its shape has',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        (h[NORM] as { shape: number[] }).shape = [23];
      }),
    },
    `tensor "${NORM}": F32 [23] takes 92 bytes; data_offsets [317192, 317288] hold 96`,
  ],
  [
    'tensors that lie upon each other',
    'musicgen_mono',
    {
      [MONO]: headed('musicgen_mono', MONO, (h) => {
        (h[NORM] as { data_offsets: number[] }).data_offsets = [0, 96];
      }),
    },
    `musicgen_mono/${MONO}: an overlap at the start of tensor`,
  ],
  [
    'an activation that is unknown',
    'musicgen_mono',
    { 'config.json': set('decoder.activation_function', 'mish') },
    /activation_function must be .*mish/s,
  ],
  [
    'a padding that is unknown',
    'musicgen_mono',
    { 'config.json': set('audio_encoder.pad_mode', 'circular') },
    /pad_mode must be .*circular/s,
  ],
  ['no part audio_encoder', 'musicgen_mono', { 'config.json': set('audio_encoder', undefined) }, /audio_encoder/],
  [
    'heads that do not split the width',
    'musicgen_mono',
    { 'config.json': set('decoder.num_attention_heads', 7) },
    'hidden_size 24 does not split into num_attention_heads 7',
  ],
  [
    'a rate of nothing',
    'musicgen_mono',
    { 'config.json': set('audio_encoder.sampling_rate', 0) },
    /sampling_rate must be a whole number from 1000 to 192000; got 0/,
  ],
  [
    'a size with a fraction',
    'musicgen_mono',
    { 'config.json': set('decoder.hidden_size', 24.5) },
    /hidden_size must be a whole number.*24.5/,
  ],
];

for (const [title, list] of [
  ['folders', FOLDERS],
  ['files', FILES],
  ['weights', WEIGHTS],
  ['configs', CONFIGS],
] as const)
  describe(title, () => {
    for (const [name, model, changes, message] of list)
      it(name, async () => {
        const { text, hint } = await heard(model, changes);
        expect(text).toMatch(message);
        // A refusal says what to do; what fits badly is listed, each tensor with what was expected.
        if (hint === undefined) expect(text).toMatch(/expected|cannot be built/);
        else expect(hint.length).toBeGreaterThan(10);
      });
  });

it('the folders as they are have no fault', async () => {
  for (const model of ['musicgen_mono', 'stable_audio', 'stable_audio_ode']) expect(await said(model, {})).toBe('');
});
