// Samples → an audio file, by FFmpeg's encoders.
import type { CodedForm, CodedFormat, CodedSound, Encoder } from './codecs.ts';
import * as av from './node_av.ts';
import { check, EAGAIN, Flow, fault, Memory, TURN, turn, writer } from './node_av_io.ts';

/** Container and encoder by format, as FFmpeg calls them. */
const ENCODERS = {
  flac: { container: 'flac', codec: 'flac' },
  mp3: { container: 'mp3', codec: 'libmp3lame' },
  opus: { container: 'ogg', codec: 'libopus' },
} as const;
/** Of LAME, its -V 2: about 190 kbit/s in stereo at 44.1 kHz. */
const MP3_QUALITY = 2;
/**
 * Of an MP3 file that is written front to back, which cannot tell its length in a tag: readers go by the bit rate of its first frame, and libsndfile
 * leaves out what lies beyond that (findings/variable_mp3_without_tag.sh). Constant, then, and from 256 kbit/s LAME keeps the level; below 32 kHz
 * MP3 has 160 at most, for which LAME takes 0.95 of the sound (findings/lame_quieter.sh).
 */
const MP3_FLOW = { bitRate: 256_000n, level: (rate: number) => (rate < 32_000 ? 1 / 0.95 : 1) };
/** Of Opus: 96 kbit/s in mono, 160 in stereo. */
const opusRate = (channels: number) => 32_000 + 64_000 * channels;
/** Speaker masks of 1 to 8 channels, in FFmpeg's order, which is that of WAVE. */
const SPEAKERS = [0x4n, 0x3n, 0x7n, 0x33n, 0x37n, 0x3fn, 0x70fn, 0x63fn];

/** A whole file of this format. Throws `audio`. */
export async function encode(
  lib: av.NodeAv,
  { channels, sampleRate }: CodedSound,
  format: CodedFormat,
  tags: Readonly<Record<string, string>>,
  bits: 16 | 24,
): Promise<Uint8Array> {
  const memory = new Memory();
  const encoder = await EncodedFile.open(lib, { channels: channels.length, sampleRate }, { format, tags, bits }, memory);
  try {
    await encoder.push(channels);
    await encoder.finish();
    return memory.bytes();
  } finally {
    encoder.close();
  }
}

/** A file that is made piece by piece. Throws `audio`. */
export async function openEncoder(
  lib: av.NodeAv,
  form: CodedForm,
  format: CodedFormat,
  tags: Readonly<Record<string, string>>,
  bits: 16 | 24,
): Promise<Encoder> {
  const flow = new Flow();
  const file = await EncodedFile.open(lib, form, { format, tags, bits }, flow);
  return {
    async push(channels) {
      await file.push(channels);
      return flow.take();
    },
    async finish() {
      await file.finish();
      return flow.take();
    },
    close: () => file.close(),
  };
}

interface Kind {
  readonly format: CodedFormat;
  readonly tags: Readonly<Record<string, string>>;
  readonly bits: 16 | 24;
}

class EncodedFile {
  readonly #lib: av.NodeAv;
  readonly #name: string;
  readonly #whole: boolean;
  readonly #output: InstanceType<av.NodeAv['FormatContext']>;
  readonly #io: av.IOContext;
  readonly #context: InstanceType<av.NodeAv['CodecContext']>;
  readonly #packet: InstanceType<av.NodeAv['Packet']>;
  readonly #form: ReturnType<typeof form>;
  readonly #layout: { nbChannels: number; order: number; mask: bigint };
  #stream!: ReturnType<InstanceType<av.NodeAv['FormatContext']>['newStream']>;
  /** Samples that do not fill a block yet. */
  #rest: Float32Array[];
  #frames = 0; // sent
  #closed = false;

  private constructor(lib: av.NodeAv, { channels, sampleRate }: CodedForm, { format, bits }: Kind, to: Memory | Flow) {
    this.#lib = lib;
    this.#name = ENCODERS[format].codec;
    this.#whole = to instanceof Memory;
    this.#output = new lib.FormatContext();
    this.#io = writer(lib, to);
    this.#context = new lib.CodecContext();
    this.#packet = new lib.Packet();
    this.#form = form(format, bits, this.#whole ? 1 : MP3_FLOW.level(sampleRate));
    this.#layout = { nbChannels: channels, order: 1, mask: SPEAKERS[channels - 1] ?? 0n };
    this.#rest = Array.from({ length: channels }, () => new Float32Array(0));
  }

  static async open(lib: av.NodeAv, sound: CodedForm, kind: Kind, to: Memory | Flow): Promise<EncodedFile> {
    const { codec: name } = ENCODERS[kind.format];
    const codec = lib.Codec.findEncoderByName(name);
    if (!codec) throw fault(`the installed node-av has no encoder ${name}`, 'install its newest version: npm install node-av@latest');
    const file = new EncodedFile(lib, sound, kind, to);
    try {
      await file.#begin(codec, sound.sampleRate, kind);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  async #begin(codec: NonNullable<ReturnType<av.NodeAv['Codec']['findEncoderByName']>>, sampleRate: number, { format, tags, bits }: Kind) {
    const lib = this.#lib;
    const output = this.#output;
    const context = this.#context;
    const { container } = ENCODERS[format];
    check(lib, output.allocOutputContext2(null, container, null), `${container} cannot be written`);
    output.setFlags(av.AVFMT_FLAG_BITEXACT, av.AVFMT_FLAG_CUSTOM_IO); // the same music in the same bytes: no version, no random serial number
    output.pb = this.#io;
    context.allocContext3(codec);
    const { samples } = this.#form;
    const channelLayout = this.#layout;
    Object.assign(context, { sampleRate, sampleFormat: samples, channelLayout, timeBase: { num: 1, den: sampleRate } });
    context.threadCount = 1;
    if (format === 'flac' && bits === 24) context.bitsPerRawSample = 24;
    if (format === 'opus') context.bitRate = BigInt(opusRate(channelLayout.nbChannels));
    if (format === 'mp3' && !this.#whole) context.bitRate = MP3_FLOW.bitRate;
    else if (format === 'mp3') {
      context.globalQuality = MP3_QUALITY * av.FF_QP2LAMBDA;
      context.setFlags(av.AV_CODEC_FLAG_QSCALE);
    }
    context.setFlags(av.AV_CODEC_FLAG_BITEXACT, av.AV_CODEC_FLAG_GLOBAL_HEADER);
    check(lib, await context.open2(codec), `${this.#name} cannot encode ${channelLayout.nbChannels} channels at ${sampleRate} Hz`);
    this.#stream = output.newStream(codec);
    check(lib, this.#stream.codecpar.fromContext(context), `${this.#name} cannot be written`);
    this.#stream.timeBase = context.timeBase;
    output.metadata = lib.Dictionary.fromObject(tags);
    check(lib, await output.writeHeader(), 'the head of the file cannot be written');
    this.#packet.alloc();
  }

  /** Takes samples; those that fill no block are kept for the next. */
  async push(channels: readonly Float32Array[]): Promise<void> {
    const block = this.#context.frameSize || 4096;
    const sound = lengthOf(this.#rest) ? channels.map((channel, c) => after(this.#rest[c] ?? channel, channel)) : channels;
    const length = lengthOf(sound);
    let at = 0;
    for (let n = 1; at + block <= length; at += block, n++) {
      if (n % TURN === 0) await turn();
      this.#send(sound.map((channel) => channel.subarray(at, at + block)));
    }
    this.#rest = sound.map((channel) => channel.slice(at));
    await this.#io.flush();
  }

  async finish(): Promise<void> {
    if (lengthOf(this.#rest)) this.#send(this.#rest);
    this.#context.sendFrameSync(null);
    this.#drain();
    check(this.#lib, await this.#output.writeTrailer(), 'the end of the file cannot be written');
    await this.#io.flush();
  }

  #send(part: readonly Float32Array[]): void {
    const { samples, write } = this.#form;
    const nbSamples = lengthOf(part);
    const { sampleRate } = this.#context;
    const props = { nbSamples, format: samples, sampleRate, channelLayout: this.#layout };
    const frame = this.#lib.Frame.fromAudioBuffer(Buffer.from(write(part, nbSamples).buffer), props);
    frame.pts = BigInt(this.#frames);
    this.#frames += nbSamples;
    check(this.#lib, this.#context.sendFrameSync(frame), `${this.#name} failed`);
    frame.free();
    this.#drain();
  }

  #drain(): void {
    for (;;) {
      const code = this.#context.receivePacketSync(this.#packet);
      if (code === EAGAIN || code === av.AVERROR_EOF) return;
      check(this.#lib, code, `${this.#name} failed`);
      this.#packet.streamIndex = this.#stream.index;
      this.#packet.rescaleTs(this.#context.timeBase, this.#stream.timeBase);
      check(this.#lib, this.#output.interleavedWriteFrameSync(this.#packet), 'the file cannot be written');
      this.#packet.unref();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    this.#context.freeContext();
    this.#output.pb = null; // what is ours is freed by us
    this.#output.freeContext();
    this.#io.freeContext();
  }
}

/** The form in which an encoder takes samples, all of one frame in one array. PCM is rounded and clamped as our WAV files are. */
function form(
  format: CodedFormat,
  bits: 16 | 24,
  mp3Level: number,
): { samples: number; write(part: readonly Float32Array[], frames: number): Int16Array | Int32Array | Float32Array } {
  const { s16, s32, flt, fltp } = av.SAMPLE_FORMAT;
  if (format === 'mp3')
    return { samples: fltp, write: (part, n) => fill(new Float32Array(part.length * n), part, true, (x) => x * mp3Level) };
  if (format === 'opus') return { samples: flt, write: (part, n) => fill(new Float32Array(part.length * n), part, false, (x) => x) };
  const scale = 2 ** (bits - 1);
  const whole = (x: number) => Math.max(-scale, Math.min(scale - 1, Math.round(x * scale)));
  if (bits === 16) return { samples: s16, write: (part, n) => fill(new Int16Array(part.length * n), part, false, whole) };
  return { samples: s32, write: (part, n) => fill(new Int32Array(part.length * n), part, false, (x) => whole(x) * 256) };
}

function fill<T extends Int16Array | Int32Array | Float32Array>(
  out: T,
  part: readonly Float32Array[],
  planar: boolean,
  value: (x: number) => number,
): T {
  const frames = out.length / part.length;
  for (const [c, samples] of part.entries())
    for (const [i, x] of samples.entries()) out[planar ? c * frames + i : i * part.length + c] = value(x);
  return out;
}

const lengthOf = ([first]: readonly Float32Array[]): number => first?.length ?? 0;

function after(first: Float32Array, more: Float32Array): Float32Array {
  const both = new Float32Array(first.length + more.length);
  both.set(first);
  both.set(more, first.length);
  return both;
}
