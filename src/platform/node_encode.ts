// Samples → an audio file, by FFmpeg's encoders.
import type { CodedFormat, CodedSound } from './codecs.ts';
import * as av from './node_av.ts';
import { check, EAGAIN, fault, Memory, TURN, turn, writer } from './node_av_io.ts';

/** Container and encoder by format, as FFmpeg calls them. */
const ENCODERS = {
  flac: { container: 'flac', codec: 'flac' },
  mp3: { container: 'mp3', codec: 'libmp3lame' },
  opus: { container: 'ogg', codec: 'libopus' },
} as const;
/** Of LAME, its -V 2: about 190 kbit/s in stereo at 44.1 kHz. */
const MP3_QUALITY = 2;
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
  const { container, codec: name } = ENCODERS[format];
  const codec = lib.Codec.findEncoderByName(name);
  if (!codec) throw fault(`the installed node-av has no encoder ${name}`, 'install its newest version: npm install node-av@latest');
  const output = new lib.FormatContext();
  const memory = new Memory();
  const io = writer(lib, memory);
  const context = new lib.CodecContext();
  const packet = new lib.Packet();
  try {
    check(lib, output.allocOutputContext2(null, container, null), `${container} cannot be written`);
    output.setFlags(av.AVFMT_FLAG_BITEXACT, av.AVFMT_FLAG_CUSTOM_IO); // the same music in the same bytes: no version, no random serial number
    output.pb = io;
    context.allocContext3(codec);
    const layout = { nbChannels: channels.length, order: 1, mask: SPEAKERS[channels.length - 1] };
    const { samples, write } = form(format, bits);
    Object.assign(context, { sampleRate, sampleFormat: samples, channelLayout: layout, timeBase: { num: 1, den: sampleRate } });
    context.threadCount = 1;
    if (format === 'flac' && bits === 24) context.bitsPerRawSample = 24;
    if (format === 'opus') context.bitRate = BigInt(opusRate(channels.length));
    if (format === 'mp3') {
      context.globalQuality = MP3_QUALITY * av.FF_QP2LAMBDA;
      context.setFlags(av.AV_CODEC_FLAG_QSCALE);
    }
    context.setFlags(av.AV_CODEC_FLAG_BITEXACT, av.AV_CODEC_FLAG_GLOBAL_HEADER);
    check(lib, await context.open2(codec), `${name} cannot encode ${channels.length} channels at ${sampleRate} Hz`);
    const stream = output.newStream(codec);
    check(lib, stream.codecpar.fromContext(context), `${name} cannot be written`);
    stream.timeBase = context.timeBase;
    output.metadata = lib.Dictionary.fromObject(tags);
    check(lib, await output.writeHeader(), 'the head of the file cannot be written');
    packet.alloc();
    const drain = () => {
      for (;;) {
        const code = context.receivePacketSync(packet);
        if (code === EAGAIN || code === av.AVERROR_EOF) return;
        check(lib, code, `${name} failed`);
        packet.streamIndex = stream.index;
        packet.rescaleTs(context.timeBase, stream.timeBase);
        check(lib, output.interleavedWriteFrameSync(packet), 'the file cannot be written');
        packet.unref();
      }
    };
    const frames = channels[0]?.length ?? 0;
    const block = context.frameSize || 4096;
    for (let at = 0, n = 1; at < frames; at += block, n++) {
      if (n % TURN === 0) await turn();
      const part = channels.map((channel) => channel.subarray(at, at + block));
      const count = Math.min(block, frames - at);
      const props = { nbSamples: count, format: samples, sampleRate, channelLayout: layout };
      const frame = lib.Frame.fromAudioBuffer(Buffer.from(write(part, count).buffer), props);
      frame.pts = BigInt(at);
      check(lib, context.sendFrameSync(frame), `${name} failed`);
      frame.free();
      drain();
    }
    context.sendFrameSync(null);
    drain();
    check(lib, await output.writeTrailer(), 'the end of the file cannot be written');
    await io.flush();
    return memory.bytes();
  } finally {
    packet.free();
    context.freeContext();
    output.pb = null; // what is ours is freed by us
    output.freeContext();
    io.freeContext();
  }
}

/** The form in which an encoder takes samples, all of one frame in one array. PCM is rounded and clamped as our WAV files are. */
function form(
  format: CodedFormat,
  bits: 16 | 24,
): { samples: number; write(part: readonly Float32Array[], frames: number): Int16Array | Int32Array | Float32Array } {
  const { s16, s32, flt, fltp } = av.SAMPLE_FORMAT;
  if (format === 'mp3') return { samples: fltp, write: (part, n) => fill(new Float32Array(part.length * n), part, true, (x) => x) };
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
