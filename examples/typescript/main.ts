// Three variations of a prompt, measured:  npx tsc && node build/main.js [seconds] [model]
import { type GenerateOptions, Melody } from 'melody';

const [seconds = '10', model = 'melody-small'] = process.argv.slice(2);
const options: GenerateOptions = { prompt: 'jazz trio, 140 bpm', durationSeconds: Number(seconds), seed: 1 };

const melody = await Melody.load(model);
const clips = await melody.variations(options, 3);
melody.dispose();

for (const { recipe, report } of clips) {
  const [doubt = 'sounds right'] = report.suspect;
  console.log(`seed ${recipe.seed}: ${report.rhythm.tempo.toFixed(0)} BPM, ${report.loudness.integrated.toFixed(1)} LUFS, ${doubt}`);
}
