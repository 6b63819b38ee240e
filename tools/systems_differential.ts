// Random tiny MusicGens (tools/systems_differential.py) played by this library and held against what transformers made of them: codes of greedy pieces
// equal, sound within an NMSE of 1e-9.
//
//   node tools/run.mjs tools/systems_differential.ts FOLDER [--device cpu|gpu]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareWithReference } from '../src/cases/compare.ts';
import { readWhole } from '../src/graph/stock.ts';
import { Progress } from '../src/pipeline/progress.ts';
import { memorySource } from '../src/platform/bytes.ts';
import { loadSystem } from '../src/systems/load.ts';
import type { MusicGen } from '../src/systems/musicgen/musicgen.ts';
import { decodeCodes, drawCodes, encodeSound } from '../src/systems/musicgen/stages.ts';
import { Checkpoint } from '../src/weights/checkpoint.ts';
import { Weights } from '../src/weights/weights.ts';

const LIMIT = 1e-9;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { device: { type: 'string', default: 'cpu' } } });
const [root = ''] = positionals;
const device = values.device === 'gpu' ? ({ device: 'gpu', untested: true } as const) : ({ device: 'cpu', threads: 1 } as const);
let [models, bad] = [0, 0];

/** Tensors of a file: their shapes, and their elements as numbers. */
async function tensorsOf(file: string): Promise<Map<string, { shape: readonly number[]; data: Float32Array }>> {
  const source = memorySource(file, new Uint8Array(readFileSync(file)));
  const [weights, checkpoint] = [await Weights.open(source), await Checkpoint.ofFile(source)];
  await weights.prepare();
  await checkpoint.open(() => true);
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const { name, shape } of checkpoint.openTensors())
    tensors.set(name, { shape, data: Float32Array.from(await readWhole(weights.get(name, shape))) });
  return tensors;
}

async function faultsOf(folder: string): Promise<string[]> {
  const faults: string[] = [];
  const gold = await tensorsOf(join(folder, 'golden.safetensors'));
  const music = (await loadSystem(folder, { ...device, precision: 'f32' })) as MusicGen;
  try {
    const { engine } = music;
    const { ids } = engine.model.tokenizer.encode(readFileSync(join(folder, 'prompt.txt'), 'utf8'));
    const progress = new Progress(undefined, undefined, engine);
    const request = { ids, seed: 1, precision: 'f32' as const, temperature: 0, topK: 0, topP: 1 };
    for (const name of ['greedy', 'plain', 'continued']) {
      const [codes, audio] = [gold.get(`${name}.codes`), gold.get(`${name}.audio`)];
      if (!codes || !audio) throw new Error(`${folder}: golden.safetensors has no ${name}`);
      const [frames = 0] = codes.shape;
      let known: Uint32Array | undefined;
      if (name === 'continued') {
        const sound = gold.get('given') as { shape: readonly number[]; data: Float32Array };
        const [channels = 1, samples = 0] = sound.shape;
        known = await encodeSound(
          engine,
          Array.from({ length: channels }, (_, c) => sound.data.subarray(c * samples, (c + 1) * samples)),
          undefined,
        );
      }
      const made = await drawCodes(
        engine,
        { ...request, guidanceScale: name === 'plain' ? 1 : 3, frames, ...(known && { known }) },
        progress,
        undefined,
      );
      const different = made.filter((code, i) => code !== codes.data[i]).length;
      if (different > 0 || made.length !== codes.data.length) faults.push(`${name}: ${different} of ${made.length} codes differ`);
      const sound = await decodeCodes(engine, Uint32Array.from(codes.data), progress, undefined);
      const all = sound.flatMap((channel) => [...channel]);
      if (all.length !== audio.data.length) faults.push(`${name}: ${all.length} samples, expected ${audio.data.length}`);
      else {
        const { nmse } = compareWithReference(Float32Array.from(all), audio.data, 1);
        if (!(nmse <= LIMIT)) faults.push(`${name}: NMSE of the sound ${nmse.toExponential(1)}`);
      }
    }
  } finally {
    music.dispose();
  }
  return faults;
}

for (const name of readdirSync(root).sort()) {
  const folder = join(root, name);
  models++;
  const faults = await faultsOf(folder).catch((error) => [String(error)]);
  if (faults.length === 0) continue;
  bad++;
  console.log(`${folder}\n  ${faults.join('\n  ')}\n  ${readFileSync(join(folder, 'drawn.json'), 'utf8')}`);
}
console.log(`${models} models, ${bad} of them with differences (${values.device})`);
process.exit(bad > 0 ? 1 : 0);
