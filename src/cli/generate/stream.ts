// Samples to standard output as they are made, no faster than the reader takes them.
import { encodeAudio } from '../../audio/sound_stream.ts';
import { encodeSamples } from '../../audio/wav_write.ts';
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
  const { sample, raw, file } = request.format;
  if (!quiet)
    io.err(
      `seed ${music.recipe.seed}, ${sampleRate} Hz, ${count === 1 ? 'mono' : count === 2 ? 'stereo' : `${count} channels`}, ${request.format.name}; Ctrl-C ends it\n`,
    );
  let made = 0;
  let first: number | undefined; // when the first chunk was there
  let late = false;
  const timed = async function* () {
    for await (const chunk of music) {
      const now = performance.now() / 1000;
      first ??= now;
      // A player that started with the first chunk has by now played everything that was made before this one.
      if (now - first > made && made > 0 && !late) {
        late = true;
        line.warn(`this machine makes ${(made / (now - first)).toFixed(2)} s of music a second: a player will pause between chunks`);
      }
      yield chunk;
      made += chunk.channels[0].length / sampleRate;
      if (!quiet) io.err(io.terminal ? `\r${made.toFixed(1)} s made\u001b[K` : `${made.toFixed(1)} s made\n`);
    }
  };
  if (raw) for await (const { channels } of timed()) await io.out(encodeSamples(channels, sample));
  else {
    const frames = durationSeconds === undefined ? undefined : Math.round(durationSeconds * sampleRate);
    const tags = tagsOf(fileRecipe(opened, request, music.recipe, true), licence);
    for await (const bytes of encodeAudio(timed(), file, { sample, tags, ...(frames !== undefined && { frames }) })) await io.out(bytes);
  }
  if (!quiet && io.terminal) io.err('\n');
}
