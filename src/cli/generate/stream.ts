// Samples to standard output as they are made, no faster than the reader takes them.
import { encodeSamples, wavHeader } from '../../audio/wav_write.ts';
import { audioOf } from '../../pipeline/model.ts';
import type { Io } from '../command.ts';
import { fileRecipe, type Opened } from './open_model.ts';
import { ProgressLine } from './progress.ts';
import { tagsOf } from './recipe_file.ts';
import type { GenerateRequest } from './request.ts';

export async function streamOut(opened: Opened, request: GenerateRequest, { io, quiet }: { io: Io; quiet: boolean }): Promise<void> {
  const { melody, licence } = opened;
  const line = new ProgressLine(io, { quiet });
  const music = melody.stream({
    ...request.options,
    signal: io.signal,
    onEvent: (event) => {
      if (event.type === 'warning') line.hear(event);
    },
  });
  const { sampleRate, channels: count } = audioOf(melody.model.config);
  const { durationSeconds } = music.recipe;
  const { sample, raw } = request.format;
  if (!raw) {
    const frames = durationSeconds === undefined ? undefined : Math.round(durationSeconds * sampleRate);
    const tags = tagsOf(fileRecipe(opened, request, music.recipe, true), licence);
    await io.out(wavHeader({ sampleRate, channels: count, format: sample, tags, ...(frames !== undefined && { frames }) }));
  }
  if (!quiet)
    io.err(
      `seed ${music.recipe.seed}, ${sampleRate} Hz, ${count === 1 ? 'mono' : count === 2 ? 'stereo' : `${count} channels`}, ${request.format.name}; Ctrl-C ends it\n`,
    );
  let made = 0;
  let first: number | undefined; // when the first chunk was there
  let late = false;
  for await (const { channels } of music) {
    const now = performance.now() / 1000;
    first ??= now;
    // A player that started with the first chunk has by now played everything that was made before this one.
    if (now - first > made && made > 0 && !late) {
      late = true;
      line.warn(`this machine makes ${(made / (now - first)).toFixed(2)} s of music a second: a player will pause between chunks`);
    }
    await io.out(encodeSamples(channels, sample));
    made += channels[0].length / sampleRate;
    if (!quiet) io.err(io.terminal ? `\r${made.toFixed(1)} s made\u001b[K` : `${made.toFixed(1)} s made\n`);
  }
  if (!quiet && io.terminal) io.err('\n');
}
