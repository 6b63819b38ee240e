// Samples to standard output as they are made, no faster than the reader takes them.
import { lengthOf } from '../../audio/channels.ts';
import { encodeAudio } from '../../audio/sound_stream.ts';
import type { WavTags } from '../../audio/wav_tags.ts';
import { encodeSamples } from '../../audio/wav_write.ts';
import type { MelodyEvent } from '../../pipeline/options.ts';
import type { StreamChunk } from '../../pipeline/stream.ts';
import type { Io } from '../command.ts';
import { fileRecipe, type Opened } from './open_model.ts';
import { ProgressLine } from './progress.ts';
import { tagsOf } from './recipe_file.ts';
import type { GenerateRequest } from './request.ts';

interface Streamed extends AsyncIterable<StreamChunk> {
  readonly recipe: { readonly seed: number; readonly durationSeconds?: number | undefined };
}

/** The music of a MeLoDy model. */
export function streamOut(opened: Opened, request: GenerateRequest, to: { io: Io; quiet: boolean }): Promise<void> {
  const { melody, licence } = opened;
  return sendStream(
    request,
    (watch) => melody.stream({ ...request.options, ...watch }),
    ({ recipe }) => tagsOf(fileRecipe(opened, request, recipe, true), licence),
    to,
  );
}

/** Sends what `begin` makes; `tags` are those of its file, once its first chunk is there. */
export async function sendStream<Music extends Streamed>(
  request: GenerateRequest,
  begin: (watch: { signal: AbortSignal; onEvent: (event: MelodyEvent) => void }) => Music,
  tags: (music: Music) => WavTags,
  { io, quiet }: { io: Io; quiet: boolean },
): Promise<void> {
  const line = new ProgressLine(io, { quiet });
  const music = begin({
    signal: io.signal,
    onEvent: (event) => {
      if (event.type === 'warning') line.hear(event);
    },
  });
  const { seed, durationSeconds } = music.recipe;
  const { sample, raw, file, name } = request.format;
  const chunks = music[Symbol.asyncIterator]();
  let made = 0;
  let start: number | undefined; // when the first chunk was there
  let late = false;
  const first = await chunks.next();
  if (first.done) return;
  const { sampleRate, channels } = first.value;
  if (!quiet)
    io.err(
      `seed ${seed}, ${sampleRate} Hz, ${channels.length === 1 ? 'mono' : channels.length === 2 ? 'stereo' : `${channels.length} channels`}, ${name}; Ctrl-C ends it\n`,
    );
  const timed = async function* () {
    try {
      for (let next = first as IteratorResult<StreamChunk>; !next.done; next = await chunks.next()) {
        const now = performance.now() / 1000;
        start ??= now;
        // A player that started with the first chunk has by now played everything that was made before this one.
        if (now - start > made && made > 0 && !late) {
          late = true;
          line.warn(`this machine makes ${(made / (now - start)).toFixed(2)} s of music a second: a player will pause between chunks`);
        }
        yield next.value;
        made += lengthOf(next.value.channels) / sampleRate;
        if (!quiet) io.err(io.terminal ? `\r${made.toFixed(1)} s made\u001b[K` : `${made.toFixed(1)} s made\n`);
      }
    } finally {
      await chunks.return?.();
    }
  };
  if (raw) for await (const { channels } of timed()) await io.out(encodeSamples(channels, sample));
  else {
    const frames = durationSeconds === undefined ? undefined : Math.round(durationSeconds * sampleRate);
    for await (const bytes of encodeAudio(timed(), file, { sample, tags: tags(music), ...(frames !== undefined && { frames }) }))
      await io.out(bytes);
  }
  if (!quiet && io.terminal) io.err('\n');
}
