/** An audio file that is made while its music is: bytes go out in the order in which samples come in. */
import { MelodyError } from '../errors.ts';
import { codedForm, writtenTags } from './coded_file.ts';
import { type AudioFormat, openCodecs } from './sound_file.ts';
import type { WavTags } from './wav_tags.ts';
import { encodeSamples, type SampleFormat, wavHeader } from './wav_write.ts';

/** A piece of music on its way: what `encodeAudio` takes, as chunks of a stream are. */
export interface SoundPart {
  /** One array a channel, of one length. */
  readonly channels: Float32Array[];
  /** Hz. */
  readonly sampleRate: number;
}

/** How `encodeAudio` writes. */
export interface EncodeOptions {
  /** As `recipeTags` makes them. Default none. */
  tags?: WavTags;
  /** Samples of a WAV or FLAC file. Default 'pcm16'. */
  sample?: SampleFormat;
  /** Samples of each channel that will come, for a WAV's head. Default unknown: the head says that it was not known, as programs do that write into a pipe. */
  frames?: number;
}

/**
 * Encodes music while it is made: `for await (const bytes of encodeAudio(melody.stream({ prompt }), 'mp3')) response.write(bytes)`. Each part of the
 * music gives the bytes that are ready then, so that a listener hears it at once; tags come first, so that a stream that is cut off has them. WAV
 * everywhere; FLAC, MP3 and Opus in Node with npm `node-av`.
 * Leaving the loop ends the music too.
 * @throws MelodyError `audio` where the package is not installed, `invalid_argument` for what the format cannot hold, and what the music throws
 */
export async function* encodeAudio(
  music: AsyncIterable<SoundPart>,
  format: AudioFormat,
  { tags, sample = 'pcm16', frames }: EncodeOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (format === 'wav') {
    let begun = false;
    let odd = 0;
    for await (const { channels, sampleRate } of music) {
      if (!begun)
        yield wavHeader({
          sampleRate,
          channels: channels.length,
          format: sample,
          ...(frames !== undefined && { frames }),
          ...(tags && { tags }),
        });
      begun = true;
      const bytes = encodeSamples(channels, sample);
      odd ^= bytes.length & 1;
      yield bytes;
    }
    if (odd && frames !== undefined) yield new Uint8Array(1); // a head that does not know the length counts every byte
    return;
  }
  const codecs = await openCodecs(`${format} files`);
  let encoder: Awaited<ReturnType<typeof codecs.openEncoder>> | undefined;
  try {
    for await (const { channels, sampleRate } of music) {
      if (!encoder) {
        const rate = codedForm(channels.length, sampleRate, format, sample);
        if (rate !== sampleRate)
          throw new MelodyError(
            'invalid_argument',
            `${format} cannot hold samples at ${sampleRate} Hz without conversion`,
            'use writeAudio, which converts it, or another format',
          );
        encoder = await codecs.openEncoder(
          { channels: channels.length, sampleRate },
          format,
          tags ? writtenTags(tags) : {},
          sample === 'pcm24' ? 24 : 16,
        );
      }
      const bytes = await encoder.push(channels);
      if (bytes.length) yield bytes;
    }
    if (encoder) yield await encoder.finish();
  } finally {
    encoder?.close();
  }
}
