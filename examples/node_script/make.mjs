// A clip into a WAV file:  node make.mjs <prompt> <file.wav> [seconds] [model]
import { writeFile } from 'node:fs/promises';
import { Melody, MelodyError, recipeTags, writeWav } from 'melody';

const [prompt = 'calm piano, 80 bpm', file = 'music.wav', seconds = '10', model = 'melody-small'] = process.argv.slice(2);

// Ctrl-C stops the work and frees the GPU.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const melody = await Melody.load(model, { signal: stop.signal });
try {
  const clip = await melody.generate({
    prompt,
    durationSeconds: Number(seconds),
    signal: stop.signal,
    onEvent(event) {
      if (event.type === 'progress') process.stderr.write(`\r${event.stage} ${Math.round(100 * event.fraction)} % `);
      if (event.type === 'warning') process.stderr.write(`\n${event.message}\n`);
    },
  });
  const tags = recipeTags({ recipe: clip.recipe, title: prompt, software: 'node_script', license: 'CC0-1.0' });
  await writeFile(file, writeWav({ ...clip, tags }));
  console.log(`${file}: seed ${clip.recipe.seed}, ${clip.report.loudness.integrated.toFixed(1)} LUFS`);
} catch (error) {
  if (!(error instanceof MelodyError)) throw error;
  console.error(`${error.code}: ${error.message}${error.hint ? `\n  ${error.hint}` : ''}`);
  process.exitCode = 1;
} finally {
  melody.dispose();
}
