// FLAC, MP3 and Opus files in pages, through npm `mediabunny` and its encoders, which a page that wants them installs beside melody. They are
// imported here alone: whoever does not import this entry downloads nothing of them.

import { registerFlacEncoder } from '@mediabunny/flac-encoder';
import { registerMp3Encoder } from '@mediabunny/mp3-encoder';
import {
  AudioSample,
  AudioSampleSource,
  BufferTarget,
  canEncodeAudio,
  EncodedAudioPacketSource,
  EncodedPacket,
  FlacOutputFormat,
  type MetadataTags,
  Mp3OutputFormat,
  OggOutputFormat,
  Output,
  type OutputFormat,
  Quality,
} from 'mediabunny';
import { lengthOf } from '../audio/channels.ts';
import { codedForm, encodeWith } from '../audio/coded_file.ts';
import type { WavTags } from '../audio/wav_tags.ts';
import type { SampleFormat } from '../audio/wav_write.ts';
import { MelodyError } from '../errors.ts';
import type { CodedFormat, CodedSound } from '../platform/codecs.ts';

export { type RecipeNote, recipeTags, type WavTags } from '../audio/wav_tags.ts';
export type { SampleFormat } from '../audio/wav_write.ts';
export type { CodedFormat } from '../platform/codecs.ts';

/** Samples of a channel that are handed over at a time, 3 s at 48 kHz: no copy of a long piece is made, and the page stays awake. */
const BLOCK = 2 ** 17;
/** Blocks that may wait for the browser's encoder. */
const MAX_WAITING = 4;
/** Bits a second, as the encoders of the command take them: `-V 2` of LAME is about 190 kbit/s in stereo. */
const bitRate = (format: CodedFormat, channels: number) => (format === 'mp3' ? 96_000 * channels : 32_000 + 64_000 * channels);

/**
 * A whole FLAC, MP3 or Opus file, in a page or a worker of one. FLAC keeps every sample at 16 bits, or at 24 with `sample: 'pcm24'`; MP3 and
 * Opus lose what is hard to hear. Rates that a format does not have become the next higher that it has. The tags are those that `recipeTags`
 * makes; `readRecipe`, `melody inspect` and `melody generate --recipe` read them. FLAC and MP3 are encoded in WebAssembly, in a thread of its own;
 * Opus by the browser's WebCodecs, which wants a secure page.
 * @throws MelodyError `audio` where the browser has no encoder for it or the encoder fails, `non_finite`, `invalid_argument` for what the format cannot hold
 */
export async function writeAudio(
  sound: { sampleRate: number; channels: Float32Array[]; tags?: WavTags },
  format: CodedFormat,
  sample: SampleFormat = 'pcm16',
): Promise<Uint8Array> {
  return encodeWith(async () => ({ encode }), sound, format, sample);
}

/** Which of the formats this browser can write for sound of this form, for example to offer them. */
export async function writableFormats(channels: number, sampleRate: number): Promise<CodedFormat[]> {
  const can = await Promise.all(
    (['flac', 'mp3', 'opus'] as const).map(async (format) => {
      try {
        return (await canEncode(format, channels, codedForm(channels, sampleRate, format, 'pcm16'))) ? [format] : [];
      } catch (error) {
        if (error instanceof MelodyError) return []; // too many channels
        throw error;
      }
    }),
  );
  return can.flat();
}

async function canEncode(format: CodedFormat, numberOfChannels: number, sampleRate: number): Promise<boolean> {
  const form = { numberOfChannels, sampleRate, ...qualityOf(format, numberOfChannels) };
  if (await canEncodeAudio(format, form)) return true;
  if (format === 'opus') return false;
  if (format === 'mp3') registerMp3Encoder();
  else registerFlacEncoder();
  return canEncodeAudio(format, form);
}

const qualityOf = (format: CodedFormat, channels: number) =>
  format === 'flac' ? {} : { quality: new Quality({ bitrate: bitRate(format, channels) }) };

/**
 * What makes up for LAME, as far as no sample passes full scale: at constant bit rates it makes sound quieter before it encodes, 0.95 of it up to
 * 160 kbit/s, which is the most that MP3 has below 32 kHz, 0.97 at 192 (findings/lame_quieter.sh).
 */
function levelKept({ channels, sampleRate }: CodedSound): number {
  let peak = 0;
  for (const channel of channels) for (const x of channel) peak = Math.max(peak, Math.abs(x));
  const scale = bitRate('mp3', channels.length) > 160_000 && sampleRate >= 32_000 ? 0.97 : 0.95;
  return Math.max(1, Math.min(1 / scale, 1 / peak));
}

async function encode(
  { channels, sampleRate }: CodedSound,
  format: CodedFormat,
  tags: Readonly<Record<string, string>>,
  bits: 16 | 24,
): Promise<Uint8Array> {
  if (!(await canEncode(format, channels.length, sampleRate)))
    throw new MelodyError(
      'audio',
      `${format}: this browser has no encoder for ${channels.length} channels at ${sampleRate} Hz`,
      'choose another format, such as wav or flac',
    );
  const target = new BufferTarget();
  const output = new Output({ format: container(format), target });
  output.setMetadataTags(namedFor(format, tags));
  const { blocked, done } = watchPolicy();
  try {
    const write = format === 'opus' ? writeOpus : writeBlocks;
    await Promise.race([blocked, write(output, { channels, sampleRate }, format, bits).then(() => output.finalize())]);
  } catch (cause) {
    void output.cancel().catch(() => {}); // what failed is told, not what follows from it; an encoder without its thread never answers
    if (cause instanceof MelodyError) throw cause;
    throw new MelodyError('audio', `${format}: the encoder failed: ${String(cause)}`, 'choose another format, such as wav', { cause });
  } finally {
    done();
  }
  return new Uint8Array(target.buffer as ArrayBuffer);
}

/** The encoders start threads from `blob:` addresses. Where a page forbids that, one of them says nothing, but the browser does. */
function watchPolicy(): { blocked: Promise<never>; done: () => void } {
  let listener = (_: SecurityPolicyViolationEvent) => {};
  const blocked = new Promise<never>((_, reject) => {
    listener = ({ effectiveDirective: rule, blockedURI }) => {
      if (!/^(worker-src|child-src|script-src)/.test(rule) || !/^(blob|wasm-eval)/.test(blockedURI)) return;
      const needed = blockedURI.startsWith('blob') ? 'worker-src blob:' : "script-src 'wasm-unsafe-eval'";
      const what = `the page's Content-Security-Policy (${rule}) forbids the encoder's thread`;
      reject(new MelodyError('audio', what, `allow ${needed}, or call writeAudio in a worker whose file is under no such policy`));
    };
  });
  blocked.catch(() => {}); // it may come after all is over
  globalThis.addEventListener('securitypolicyviolation', listener);
  return { blocked, done: () => globalThis.removeEventListener('securitypolicyviolation', listener) };
}

async function writeBlocks(output: Output, sound: CodedSound, format: CodedFormat, bits: 16 | 24): Promise<void> {
  const { channels, sampleRate } = sound;
  const source = new AudioSampleSource({ codec: format, ...qualityOf(format, channels.length) });
  output.addAudioTrack(source);
  await output.start();
  const gain = format === 'mp3' ? levelKept(sound) : 1;
  for (const { part: given, timestamp } of blocks(channels, sampleRate)) {
    const part = gain === 1 ? given : given.map((channel) => channel.map((x) => gain * x));
    const sample = new AudioSample({ ...form(part, format, bits), numberOfChannels: part.length, sampleRate, timestamp });
    await source.add(sample);
    sample.close();
  }
}

/** The browser's encoder fills its last packet up; only who holds that packet can say where in it the sound ends. */
async function writeOpus(output: Output, { channels, sampleRate }: CodedSound): Promise<void> {
  const packets: EncodedPacket[] = [];
  let head: EncodedAudioChunkMetadata | undefined;
  let fault: DOMException | undefined;
  const encoder = new AudioEncoder({
    output(chunk, meta) {
      head ??= meta?.decoderConfig && meta;
      packets.push(EncodedPacket.fromEncodedChunk(chunk));
    },
    error(error) {
      fault = error;
    },
  });
  try {
    encoder.configure({ codec: 'opus', sampleRate, numberOfChannels: channels.length, bitrate: bitRate('opus', channels.length) });
    for (const { part, timestamp } of blocks(channels, sampleRate)) {
      const { data, format } = planar(part);
      const init = { data, format, numberOfChannels: part.length, numberOfFrames: lengthOf(part), sampleRate, timestamp: timestamp * 1e6 };
      const block = new AudioData(init);
      encoder.encode(block);
      block.close();
      while (encoder.encodeQueueSize > MAX_WAITING)
        await new Promise((resolve) => encoder.addEventListener('dequeue', resolve, { once: true }));
    }
    await encoder.flush();
  } catch (error) {
    throw fault ?? error; // what the encoder said, not that it is closed
  } finally {
    if (encoder.state !== 'closed') encoder.close();
  }
  const last = packets.pop();
  if (!last || !head) throw new Error('it gave nothing');
  const end = lengthOf(channels) / sampleRate + skipped(head);
  packets.push(last.clone({ duration: Math.max(0, Math.min(last.duration, end - last.timestamp)) }));
  const source = new EncodedAudioPacketSource('opus');
  output.addAudioTrack(source);
  await output.start();
  for (const [i, packet] of packets.entries()) await source.add(packet, i === 0 ? head : undefined);
}

/** Seconds that a player leaves out in front, for the encoder's delay: of the head that the encoder gives (RFC 7845, 5.1). */
function skipped({ decoderConfig }: EncodedAudioChunkMetadata): number {
  const { description } = decoderConfig ?? {};
  if (!description) return 0;
  const bytes = ArrayBuffer.isView(description)
    ? new DataView(description.buffer, description.byteOffset, description.byteLength)
    : new DataView(description);
  return bytes.byteLength < 12 ? 0 : bytes.getUint16(10, true) / 48_000;
}

/** The sound in blocks, each with the second at which it begins. */
function* blocks(channels: readonly Float32Array[], sampleRate: number) {
  for (let at = 0; at < lengthOf(channels); at += BLOCK)
    yield { part: channels.map((channel) => channel.subarray(at, at + BLOCK)), timestamp: at / sampleRate };
}

function container(format: CodedFormat): OutputFormat {
  if (format === 'flac') return new FlacOutputFormat();
  return format === 'mp3' ? new Mp3OutputFormat() : new OggOutputFormat();
}

/** Samples as an encoder takes them: FLAC in whole numbers, rounded and clamped as our WAV files are. */
function form(part: readonly Float32Array[], format: CodedFormat, bits: 16 | 24) {
  if (format !== 'flac') return planar(part);
  const frames = lengthOf(part);
  const scale = 2 ** (bits - 1);
  const data = bits === 16 ? new Int16Array(part.length * frames) : new Int32Array(part.length * frames);
  const step = bits === 16 ? 1 : 256; // 24 bits lie at the top of 32
  for (const [c, channel] of part.entries())
    for (const [i, x] of channel.entries()) data[i * part.length + c] = step * Math.max(-scale, Math.min(scale - 1, Math.round(x * scale)));
  return { data, format: bits === 16 ? ('s16' as const) : ('s32' as const) };
}

function planar(part: readonly Float32Array[]) {
  const data = new Float32Array(part.length * lengthOf(part));
  for (const [c, channel] of part.entries()) data.set(channel, c * channel.length);
  return { data, format: 'f32-planar' as const };
}

/** Tags as each container spells them, so that they read back by the names that FFmpeg gives them, as those of Node's files do. */
function namedFor(format: CodedFormat, { title, comment, ...others }: Readonly<Record<string, string>>): MetadataTags {
  const known = { ...(title !== undefined && { title }), ...(comment !== undefined && { comment }) };
  if (format !== 'mp3')
    return { ...known, raw: Object.fromEntries(Object.entries(others).map(([name, text]) => [name.toUpperCase(), text])) };
  const frames = Object.entries(others).flatMap(([name, text]) => (Object.hasOwn(FRAMES, name) ? [[FRAMES[name], text] as const] : []));
  const named = Object.entries(others).filter(([name]) => !Object.hasOwn(FRAMES, name));
  return { ...known, raw: { ...Object.fromEntries(frames), TXXX: Object.fromEntries(named) } };
}

/** Names of tags that ID3v2.4 has frames for. */
const FRAMES: Readonly<Record<string, string>> = { encoded_by: 'TENC', artist: 'TPE1', album: 'TALB', date: 'TDRC', genre: 'TCON' };
