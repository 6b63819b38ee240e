// Files that are made while their music is: the same sound as a whole file.
import { describe, expect, it } from 'vitest';
import { type AudioFormat, readAudio, writeAudio } from '../../src/audio/sound_file.ts';
import { type EncodeOptions, encodeAudio } from '../../src/audio/sound_stream.ts';
import { readWav } from '../../src/audio/wav.ts';
import { recipeTags } from '../../src/audio/wav_tags.ts';
import type { SampleFormat } from '../../src/audio/wav_write.ts';
import { haveCodecs } from '../helpers/codecs.ts';

const sampleRate = 24_000;
const tags = recipeTags({ recipe: { seed: 7 }, software: 'melody 9.9', license: 'mit', title: 'Käfer' });
const music = (frames: number, count: number) =>
  Array.from({ length: count }, (_, c) => Float32Array.from({ length: frames }, (_, i) => 0.4 * Math.sin((i + 99 * c) / (9 + c))));

async function* parts(channels: Float32Array[], lengths: readonly number[]) {
  let at = 0;
  for (const length of lengths) {
    yield { channels: channels.map((channel) => channel.slice(at, at + length)), sampleRate };
    at += length;
  }
}

async function all(music: AsyncIterable<{ channels: Float32Array[]; sampleRate: number }>, format: AudioFormat, options?: EncodeOptions) {
  const out: Uint8Array[] = [];
  for await (const bytes of encodeAudio(music, format, options)) out.push(bytes);
  return { bytes: new Uint8Array(Buffer.concat(out)), times: out.length };
}

/** The bit rates of the frames of an MP3 file of MPEG 2, layer III, which follow its ID3 tag. */
function frames(bytes: Uint8Array): number[] {
  const kbit = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
  const found: number[] = [];
  let at = 10 + ((bytes[6] << 21) | (bytes[7] << 14) | (bytes[8] << 7) | bytes[9]);
  while (at < bytes.length) {
    expect([bytes[at], bytes[at + 1] & 0xf6]).toEqual([0xff, 0xf2]);
    const rate = kbit[bytes[at + 2] >> 4];
    found.push(rate);
    at += Math.floor((72_000 * rate) / sampleRate) + ((bytes[at + 2] >> 1) & 1);
  }
  return found;
}

describe('a WAV', () => {
  it.each(['pcm16', 'pcm24', 'float32'] as SampleFormat[])(
    'of known length, %s, holds what the whole file does, its tags in front',
    async (sample) => {
      const channels = music(5001, 1);
      const { bytes } = await all(parts(channels, [1000, 1, 4000]), 'wav', { sample, tags, frames: 5001 });
      const whole = await writeAudio({ sampleRate, channels, tags }, 'wav', sample);
      expect(bytes.length).toBe(whole.length);
      const [streamed, written] = [readWav(bytes), readWav(whole)];
      expect(streamed.channels.every((x, c) => x.every((v, i) => v === written.channels[c][i]))).toBe(true);
      expect({ ...streamed, channels: streamed.channels.length }).toEqual({ ...written, channels: written.channels.length });
      // a stream that is cut off keeps what stands in front; a whole file keeps its audio in programs that read past its tags
      const at = (file: Uint8Array, chunk: string) => Buffer.from(file).indexOf(chunk);
      expect([at(bytes, 'LIST') < at(bytes, 'data'), at(whole, 'LIST') < at(whole, 'data')]).toEqual([true, false]);
    },
  );

  it('of unknown length is read whole', async () => {
    const { bytes, times } = await all(parts(music(5000, 2), [1000, 4000]), 'wav', { tags });
    const file = await readAudio(bytes);
    expect([file.channels.length, file.channels[0].length, file.warnings, times]).toEqual([2, 5000, [], 3]);
  });

  it('of nothing is nothing', async () => {
    expect((await all(parts([], []), 'wav')).times).toBe(0);
  });
});

it('whoever leaves ends the music', async () => {
  let ended = false;
  const endless = async function* () {
    try {
      for (;;) yield { channels: music(100, 1), sampleRate };
    } finally {
      ended = true;
    }
  };
  for await (const _ of encodeAudio(endless(), 'wav')) break;
  for await (const _ of encodeAudio(endless(), 'wav')) if (_.length === 200) break;
  expect(ended).toBe(true);
});

describe.runIf(haveCodecs)('with node-av', () => {
  it.each(['flac', 'mp3', 'opus'] as const)(
    '%s: sound as of the whole file, whatever the parts; bytes come while it is made',
    async (format) => {
      const channels = music(60_000, 2);
      const whole = await readAudio(await writeAudio({ sampleRate, channels, tags }, format));
      const { bytes, times } = await all(parts(channels, [1, 20_000, 7, 9992, 30_000]), format, { tags });
      expect(times).toBeGreaterThan(2);
      const file = await readAudio(bytes);
      expect(file.tags).toEqual(whole.tags);
      // Without its length in the head an MP3 file keeps the silence that its encoder puts before and after.
      const skip = format === 'mp3' ? file.channels[0].length - whole.channels[0].length : 0;
      expect(skip).toBeLessThan(4000);
      const offset = format === 'mp3' ? 1105 : 0;
      let worst = 0;
      for (let i = 2000; i < 50_000; i++) worst = Math.max(worst, Math.abs(file.channels[1][i + offset] - whole.channels[1][i]));
      expect(worst).toBeLessThan(format === 'flac' ? 1e-9 : 0.02);
    },
  );

  it('MP3 has one bit rate, by which readers reckon its length: it has no tag that tells it', async () => {
    const channels = music(60_000, 2).map((x) => x.map((v, i) => (i < 20_000 ? v : v * Math.sin(i * i)))); // a tone, then noise
    const { bytes } = await all(parts(channels, [20_000, 40_000]), 'mp3', { tags });
    const rates = frames(bytes);
    const whole = await writeAudio({ sampleRate, channels, tags }, 'mp3');
    expect([rates.length > 100, new Set(rates).size, Buffer.from(whole).includes('Xing'), new Set(frames(whole)).size > 1]).toEqual([
      true,
      1,
      true,
      true,
    ]);
  });

  it('says what it cannot hold', async () => {
    const odd = async function* () {
      yield { channels: music(100, 1), sampleRate: 44_100 };
    };
    await expect(all(odd(), 'opus')).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('44100 Hz') });
    await expect(all(parts(music(100, 3), [100]), 'mp3')).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
