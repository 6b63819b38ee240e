// A WAV in parts: the same samples as of the whole, whatever its length, and no more of it in memory than was asked for.
import { expect, test } from 'vitest';
import { readWav, type WavReadOptions } from '../../src/audio/wav.ts';
import { type WavPart, wavParts } from '../../src/audio/wav_parts.ts';
import { encodeSamples, type SampleFormat, wavHeader, writeWav } from '../../src/audio/wav_write.ts';
import { MelodyError } from '../../src/errors.ts';
import { type ByteSource, memorySource } from '../../src/platform/bytes.ts';
import { mutatedBytes, pick, seedWith } from '../../tools/fuzz_mutate.ts';
import { asRifx, asW64 } from '../../tools/wav_kin.ts';

const channels = [Float32Array.from({ length: 999 }, (_, i) => Math.sin(i / 7)), Float32Array.from({ length: 999 }, (_, i) => i / 1000)];
const tags = { info: { INAM: 'name' }, melody: '{"recipe":1}' };
/** As a stream has it, with the tags first. */
const streamed = (format: SampleFormat, frames?: number) =>
  Buffer.concat([
    wavHeader({ sampleRate: 24_000, channels: 2, format, tags, ...(frames !== undefined && { frames }) }),
    encodeSamples(channels, format),
  ]);

async function partsOf(bytes: Uint8Array | ByteSource, most: number, options?: WavReadOptions): Promise<WavPart[]> {
  const parts: WavPart[] = [];
  for await (const part of wavParts(bytes instanceof Uint8Array ? memorySource('file', bytes) : bytes, most, options)) parts.push(part);
  return parts;
}
const joined = (parts: readonly WavPart[], c: number) => parts.flatMap((part) => Array.from(part.channels[c]));

test.each(['pcm16', 'pcm24', 'float32'] as const)('%s: all samples once, each part with the tags of the whole', async (format) => {
  const riff = writeWav({ sampleRate: 24_000, channels, tags }, format);
  for (const bytes of [
    streamed(format),
    streamed(format, 999),
    riff,
    asRifx(riff),
    asW64(riff),
    asW64(writeWav({ sampleRate: 24_000, channels }, format), 2n ** 63n - 1n),
  ]) {
    const parts = await partsOf(bytes, 1000);
    const whole = readWav(bytes);
    expect(parts.length).toBe(Math.ceil((999 * whole.bitsPerSample) / 4 / 1000));
    for (const c of [0, 1]) expect(joined(parts, c)).toEqual(Array.from(whole.channels[c]));
    let at = 0;
    for (const part of parts) {
      expect([part.startFrame, part.frames, part.sampleRate]).toEqual([at, 999, 24_000]);
      at += part.channels[0].length;
      expect([part.tags, part.warnings]).toEqual([whole.tags, []]);
    }
  }
});

test('a file of ten gigabytes: no read is longer than a part', async () => {
  const frames = 2.5e9;
  const head = wavHeader({ sampleRate: 48_000, channels: 2, format: 'pcm16', frames });
  let [longest, reads] = [0, 0];
  const source: ByteSource = {
    name: 'long.wav',
    size: head.length + 4 * frames,
    async read(offset, length) {
      longest = Math.max(longest, length);
      reads++;
      const bytes = new Uint8Array(length);
      if (offset < head.length) bytes.set(head.subarray(offset, offset + length));
      return bytes;
    },
  };
  let taken = 0;
  for await (const part of wavParts(source, 2 ** 20)) {
    expect([part.frames, part.channels[0].length <= 2 ** 18]).toEqual([frames, true]);
    if (++taken === 3) break;
  }
  expect(longest).toBeLessThanOrEqual(2 ** 20);
  expect(reads).toBeLessThan(12);
});

test('what stands after the audio of a long file is told as of a short one: cut chunks, a second sound', async () => {
  const file = writeWav({ sampleRate: 24_000, channels, tags });
  const [part] = await partsOf(Buffer.concat([file, Buffer.from('LIST'), Buffer.from([200, 0, 0, 0, 1, 2])]), 1000);
  expect(part.warnings).toEqual([`what follows the audio at byte ${file.length} is not a whole chunk and was left out`]);
  expect(part.tags.melody).toBe(tags.melody);
  await expect(partsOf(Buffer.concat([file, Buffer.from('data'), Buffer.alloc(4)]), 1000)).rejects.toThrow('two data chunks');
});

test('what the strict reader refuses is refused in its words', async () => {
  const cut = streamed('pcm16', 2000);
  await expect(partsOf(cut, 1000)).rejects.toThrow('truncated: the data chunk claims 8000 bytes');
  const parts = await partsOf(cut, 1000, { allowTruncated: true });
  expect(joined(parts, 1)).toEqual(Array.from(readWav(cut, { allowTruncated: true }).channels[1]));
  expect(parts[0].warnings).toEqual(['truncated: 3996 audio bytes are there']);
  await expect(partsOf(new TextEncoder().encode('<!doctype html><p>Sign in'), 1000)).rejects.toThrow('not a WAV file');
  await expect(partsOf(new Uint8Array(0), 1000)).rejects.toThrow('not a WAVE');
  await expect(partsOf(cut.subarray(0, 60), 1000)).rejects.toThrow(MelodyError);
});

test('files with any bytes changed: what the strict reader takes is taken alike, and all errors are typed', async () => {
  seedWith(20261129);
  let taken = 0;
  const short = channels.map((channel) => channel.subarray(0, 90));
  const head = { sampleRate: 24_000, channels: 2, format: 'pcm24', tags } as const;
  const riff = writeWav({ sampleRate: 24_000, channels: short, tags });
  const files = [riff, asRifx(riff), asW64(riff), Buffer.concat([wavHeader(head), encodeSamples(short, 'pcm24')])];
  for (let n = 0; n < 300; n++) {
    const bytes = mutatedBytes(pick(files));
    let whole: ReturnType<typeof readWav> | undefined;
    try {
      whole = readWav(bytes);
    } catch {
      // Refused: the parts may be taken where the fault stands after the audio.
    }
    const parts = await partsOf(bytes, 200).catch((error: unknown) => {
      if (!(error instanceof MelodyError) || whole) throw error;
      return [];
    });
    if (!whole) continue;
    taken++;
    for (const [c, channel] of whole.channels.entries()) {
      const same = joined(parts, c);
      expect(same.length).toBe(channel.length);
      expect(channel.every((x, i) => Object.is(x, same[i]))).toBe(true);
    }
  }
  expect(taken).toBeGreaterThan(40);
});
