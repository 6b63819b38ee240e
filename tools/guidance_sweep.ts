// How far the language model should be led towards the prompt: held-out prompts × seeds × scales, as WAV files for guidance_sweep.py to measure.
//
//   node tools/run.mjs tools/guidance_sweep.ts --out FOLDER [--model weights/melody-small] [--scales 1.3,1.7,2.2,3] [--seeds 2] [--prompts 0-15]
//
// Files are named PROMPT-SEED-SCALE.wav and carry their recipe; those that are there already are not made again.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeWav } from '../src/audio/wav_write.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';
import prompts from './guidance_prompts.json' with { type: 'json' };

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    model: { type: 'string', default: 'weights/melody-small' },
    scales: { type: 'string', default: '1.3,1.7,2.2,3' },
    seeds: { type: 'string', default: '2' },
    prompts: { type: 'string', default: `0-${prompts.length - 1}` },
  },
});
if (!values.out) throw new Error('--out FOLDER says where the clips go');
const { out } = values;
mkdirSync(out, { recursive: true });
const [first, last = first] = values.prompts.split('-').map(Number);

const melody = await MeLoDy.load(values.model);
for (let p = first; p <= Math.min(last, prompts.length - 1); p++)
  for (let seed = 1; seed <= Number(values.seeds); seed++)
    for (const scale of values.scales.split(',').map(Number)) {
      const path = join(out, `${p}-${seed}-${scale}.wav`);
      if (existsSync(path)) continue;
      const clip = await melody.generate({ prompt: prompts[p].text, seed, durationSeconds: 10, lmGuidanceScale: scale });
      writeFileSync(`${path}.part`, writeWav(clip));
      renameSync(`${path}.part`, path);
      process.stderr.write(`${path}: ${clip.timings.total.toFixed(1)} s\n`);
    }
melody.dispose();
