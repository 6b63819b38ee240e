// An audio file → its samples, by FFmpeg's decoders.
import { MelodyError } from '../errors.ts';
import type { CodedSound, DecodedFile, DecodedPart, SyncBytes } from './codecs.ts';
import * as av from './node_av.ts';
import { check, EAGAIN, fault, reader, TURN, turn } from './node_av_io.ts';

/** A small file can decode to hours: no more than three quarters of an hour of stereo at 48 kHz, a gigabyte of floats, comes at once. */
const MAX_SAMPLES = 2 ** 28;
/** A file cannot make FFmpeg open another: no playlists, no protocols. Names of its demuxers. */
const CONFINED = {
  format_whitelist: 'flac,ogg,mp3,aac,aiff,wav,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm',
  protocol_whitelist: 'none',
};

/** All of a file's first sound. Throws `audio`. */
export async function decode(lib: av.NodeAv, bytes: Uint8Array): Promise<DecodedFile> {
  for await (const { startFrame: _, last, ...file } of decodeParts(lib, bytes, MAX_SAMPLES)) {
    if (last) return file;
    break;
  }
  throw fault(`the file decodes to more than ${MAX_SAMPLES} samples; expected at most that`, 'cut it shorter');
}

/** A file's first sound in parts; see `AudioCodecs.decodeParts`. */
export async function* decodeParts(
  lib: av.NodeAv,
  bytes: Uint8Array | SyncBytes,
  most: number,
  signal?: AbortSignal,
): AsyncGenerator<DecodedPart> {
  const input = new lib.FormatContext();
  const { io, failed } = reader(lib, bytes);
  const packet = new lib.Packet();
  const frame = new lib.Frame();
  const context = new lib.CodecContext();
  const checkRead = (code: number, doing: string) => {
    failed();
    return check(lib, code, doing);
  };
  try {
    input.allocContext();
    input.setFlags(av.AVFMT_FLAG_CUSTOM_IO);
    input.pb = io;
    checkRead(await input.openInput('', null, lib.Dictionary.fromObject(CONFINED)), 'the file cannot be opened');
    checkRead(await input.findStreamInfo(), 'the file cannot be read');
    const stream = input.streams[input.findBestStream(av.AVMEDIA_TYPE_AUDIO)];
    const codec = stream && lib.Codec.findDecoder(stream.codecpar.codecId);
    if (!stream || !codec) throw fault('the file holds no audio that FFmpeg decodes');
    context.allocContext3(codec);
    check(lib, context.parametersToContext(stream.codecpar), 'the coding is not understood');
    context.pktTimebase = stream.timeBase; // without it nothing is cut from the ends
    context.threadCount = 1;
    check(lib, await context.open2(codec), `${codec.name} cannot be decoded`);
    const sound = new Gathered();
    const ends = codec.name === 'vorbis' ? new VorbisEnds() : undefined;
    packet.alloc();
    frame.alloc();
    let broken = 0;
    const take = () => {
      for (;;) {
        const code = context.receiveFrameSync(frame);
        if (code === EAGAIN || code === av.AVERROR_EOF) return;
        check(lib, code, `${codec.name} cannot be decoded`);
        sound.add(frame, ends?.before(frame));
        frame.unref();
      }
    };
    // Only some decoders say it; of plain samples their coding's name does, such as pcm_s24be.
    const bits = stream.codecpar.bitsPerRawSample || Number(/^pcm_[fsu](\d+)/.exec(codec.name ?? '')?.[1] ?? 0);
    const part = (frames: number, last: boolean): DecodedPart => {
      const warnings = broken > 0 ? [`${broken} packets could not be decoded and were left out`] : [];
      broken = 0;
      return {
        ...sound.take(frames),
        tags: { ...input.metadata?.getAll(), ...stream.metadata?.getAll() },
        codec: codec.name ?? 'unknown',
        bitsPerSample: bits > 0 ? bits : undefined,
        warnings,
        last,
      };
    };
    for (let n = 1; ; n++) {
      if (n % TURN === 0) await turn();
      if (signal?.aborted) throw new MelodyError('aborted', 'decoding was aborted');
      const code = input.readFrameSync(packet);
      failed();
      if (code === av.AVERROR_EOF) break;
      check(lib, code, 'the file ends or breaks off too early');
      if (packet.streamIndex === stream.index) {
        ends?.packet(packet, sound);
        if (context.sendPacketSync(packet) < 0) broken++;
        take();
      }
      packet.unref();
      // Half of what is there, so that the last part is no scrap.
      while (sound.samples > most) yield part(Math.floor(most / 2 / sound.channels), false);
    }
    context.sendPacketSync(null);
    take();
    ends?.cut(sound);
    while (sound.samples > most) yield part(Math.floor(most / 2 / sound.channels), false);
    yield part(sound.frames, true);
  } finally {
    context.freeContext();
    packet.free();
    frame.free();
    input.pb = null; // what is ours is freed by us
    io.freeContext();
    await input.closeInput();
  }
}

/**
 * Where the sound of a Vorbis stream begins and ends: its packets decode to whole blocks, and the place of its last page says how much of them counts.
 * FFmpeg has that as the duration of the last packet, negative where blocks before it are too long as well, and cuts nothing.
 */
class VorbisEnds {
  #first: bigint | undefined;
  #last = UNKNOWN_TIME;
  #end = UNKNOWN_TIME;
  #origin: bigint | undefined; // time of the first sample that counts
  #decoded = 0;

  /** Before a packet is decoded. Where time goes back, as in files joined to one, another stream begins. */
  packet({ pts, duration }: av.Packet, sound: Gathered): void {
    if (pts < this.#last) this.cut(sound);
    this.#first ??= pts;
    this.#last = pts;
    this.#end = pts === UNKNOWN_TIME ? pts : pts + BigInt.asIntN(32, duration);
  }

  /** Samples of a frame that stand before the beginning: those of a stream that was cut out of another. */
  before({ pts, nbSamples }: av.Frame): number {
    const early = pts !== UNKNOWN_TIME && pts < 0n ? Math.min(nbSamples, Number(-pts)) : 0;
    // The first packet decodes to nothing, for which FFmpeg allows only where it knew the time of a second page.
    this.#origin ??= this.#first === 0n || early > 0 ? 0n : pts;
    this.#decoded += nbSamples - early;
    return early;
  }

  cut(sound: Gathered): void {
    const length = this.#end - (this.#origin ?? 0n);
    const over = BigInt(this.#decoded) - length;
    if (this.#end !== UNKNOWN_TIME && length > 0n && over > 0n && over <= MOST_BLOCKS) sound.shorten(Number(over));
    this.#first = this.#origin = undefined;
    this.#last = this.#end = UNKNOWN_TIME;
    this.#decoded = 0;
  }
}
/** FFmpeg's AV_NOPTS_VALUE. */
const UNKNOWN_TIME = -0x8000_0000_0000_0000n;
/** Two of the longest blocks. */
const MOST_BLOCKS = 16_384n;

/** Decoded frames of one form, gathered by channel and taken from the front. */
class Gathered {
  #parts: Float32Array[][] = [];
  #rate = 0;
  #start = 0;
  frames = 0;

  get channels(): number {
    return this.#parts.length;
  }

  get samples(): number {
    return this.frames * this.channels;
  }

  /** Without so many of its first samples. */
  add(frame: av.Frame, without = 0): void {
    const { channels, sampleRate } = frame;
    const nbSamples = frame.nbSamples - without;
    if (nbSamples <= 0) return;
    if (this.#rate === 0) this.#rate = sampleRate;
    if (this.#parts.length === 0) this.#parts = Array.from({ length: channels }, () => []);
    if (sampleRate !== this.#rate || channels !== this.#parts.length)
      throw fault(
        `the sound changes from ${this.#parts.length} channels at ${this.#rate} Hz to ${channels} at ${sampleRate} Hz within the file`,
        'convert it: ffmpeg -i <file> out.wav',
      );
    this.frames += nbSamples;
    for (const [c, samples] of floats(frame).entries()) this.#parts[c]?.push(without ? samples.slice(without) : samples);
  }

  /** Takes that many frames away from the end, as far as they are still here. */
  shorten(frames: number): void {
    const length = Math.max(0, this.frames - Math.max(0, frames));
    this.#parts = this.#parts.map((parts) => [cut(parts, length)]);
    this.frames = length;
  }

  /** The first `frames` of what is there. */
  take(frames: number): CodedSound & { channels: Float32Array[]; startFrame: number } {
    if (this.frames === 0) throw fault('the file holds no samples');
    const channels = this.#parts.map((parts) => cut(parts, frames));
    const startFrame = this.#start;
    this.#start += frames;
    this.frames -= frames;
    return { channels, sampleRate: this.#rate, startFrame };
  }
}

/** Moves the first `length` samples out of `parts`. */
function cut(parts: Float32Array[], length: number): Float32Array {
  const whole = new Float32Array(length);
  let [at, count] = [0, 0];
  for (const part of parts) {
    if (at + part.length > length) break;
    whole.set(part, at);
    at += part.length;
    count++;
  }
  parts.splice(0, count); // what was copied is not needed twice
  const [next] = parts;
  if (at < length && next) {
    whole.set(next.subarray(0, length - at), at);
    parts[0] = next.slice(length - at);
  }
  return whole;
}

/** A frame of any of FFmpeg's sample formats → [frames] a channel. */
function floats({ format, nbSamples, channels, extendedData }: av.Frame): Float32Array[] {
  const planar = format >= av.SAMPLE_FORMAT.u8p;
  const read = READ[planar ? format - av.SAMPLE_FORMAT.u8p : format];
  if (!read || !extendedData) throw fault(`sample format ${format} is not known`);
  return Array.from({ length: channels }, (_, c) => {
    const { buffer, byteOffset, byteLength } = extendedData[planar ? c : 0] as Uint8Array;
    const view = new DataView(buffer, byteOffset, byteLength);
    const [first, step] = planar ? [0, 1] : [c, channels];
    return Float32Array.from({ length: nbSamples }, (_, i) => read(view, first + i * step));
  });
}

/** By sample format: the i-th sample of a buffer, full scale −1…1. */
const READ: readonly ((view: DataView, i: number) => number)[] = [
  (view, i) => (view.getUint8(i) - 128) / 128,
  (view, i) => view.getInt16(2 * i, true) / 32_768,
  (view, i) => view.getInt32(4 * i, true) / 2_147_483_648,
  (view, i) => view.getFloat32(4 * i, true),
  (view, i) => view.getFloat64(8 * i, true),
];
