// What is used of npm `node-av`, FFmpeg's libraries for Node, whose own functions these are. No part of its types is needed to build melody.

interface Freed {
  free(): void;
}
export interface Packet extends Freed {
  readonly pts: bigint;
  readonly duration: bigint;
  streamIndex: number;
  alloc(): void;
  unref(): void;
  rescaleTs(from: Rational, to: Rational): void;
}
export interface Frame extends Freed {
  readonly nbSamples: number;
  readonly format: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** One buffer a channel where the format is planar, else one. */
  readonly extendedData: Uint8Array[] | null;
  pts: bigint;
  alloc(): void;
  unref(): void;
}
interface Rational {
  readonly num: number;
  readonly den: number;
}
interface Dictionary {
  getAll(): Record<string, string>;
}
interface Codec {
  readonly name: string | null;
}
interface CodecParameters {
  readonly codecId: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bitsPerRawSample: number;
  fromContext(context: CodecContext): number;
}
interface Stream {
  readonly index: number;
  readonly codecpar: CodecParameters;
  timeBase: Rational;
  readonly metadata: Dictionary | null;
}
interface ChannelLayout {
  readonly nbChannels: number;
  readonly order: number;
  readonly mask: bigint;
}
interface CodecContext {
  sampleRate: number;
  sampleFormat: number;
  channelLayout: ChannelLayout;
  timeBase: Rational;
  pktTimebase: Rational;
  bitRate: bigint;
  bitsPerRawSample: number;
  globalQuality: number;
  threadCount: number;
  readonly frameSize: number;
  allocContext3(codec: Codec): void;
  freeContext(): void;
  open2(codec: Codec): Promise<number>;
  parametersToContext(parameters: CodecParameters): number;
  setFlags(...flags: number[]): void;
  sendPacketSync(packet: Packet | null): number;
  receiveFrameSync(frame: Frame): number;
  sendFrameSync(frame: Frame | null): number;
  receivePacketSync(packet: Packet): number;
}
export interface IOContext {
  allocContextWithCallbacks(
    bufferSize: number,
    write: 0 | 1,
    read?: ((size: number) => Uint8Array | null) | null,
    write_?: ((bytes: Uint8Array) => number) | null,
    seek?: (offset: bigint, whence: number) => bigint,
  ): void;
  freeContext(): void;
  flush(): Promise<void>;
}
interface FormatContext {
  metadata: Dictionary | null;
  pb: IOContext | null;
  readonly streams: Stream[];
  readonly oformat: { readonly flags: number } | null;
  allocContext(): void;
  freeContext(): void;
  allocOutputContext2(format: null, name: string, file: null): number;
  openInput(address: string, format: null, options: Dictionary): Promise<number>;
  closeInput(): Promise<void>;
  findStreamInfo(): Promise<number>;
  findBestStream(type: number): number;
  newStream(codec: Codec): Stream;
  readFrameSync(packet: Packet): number;
  writeHeader(): Promise<number>;
  interleavedWriteFrameSync(packet: Packet): number;
  writeTrailer(): Promise<number>;
  setFlags(...flags: number[]): void;
}

/** Its module `node-av/lib`. */
export interface NodeAv {
  readonly FormatContext: new () => FormatContext;
  readonly CodecContext: new () => CodecContext;
  readonly IOContext: new () => IOContext;
  readonly Packet: new () => Packet;
  readonly Frame: (new () => Frame) & { fromAudioBuffer(bytes: Uint8Array, form: object): Frame };
  readonly Codec: { findDecoder(id: number): Codec | null; findEncoderByName(name: string): Codec | null };
  readonly Dictionary: { fromObject(tags: Readonly<Record<string, string>>): Dictionary };
  readonly FFmpegError: new (code: number) => Error;
  readonly Log: { setLevel(level: number): void };
}

// Numbers of FFmpeg's public headers, which do not change within its major versions.
export const AVMEDIA_TYPE_AUDIO = 1;
export const AV_LOG_QUIET = -8;
export const AVSEEK_SIZE = 0x10000;
export const AVERROR_EOF = -541478725;
export const AVFMT_FLAG_CUSTOM_IO = 0x0080;
export const AVFMT_FLAG_BITEXACT = 0x0400;
export const AV_CODEC_FLAG_QSCALE = 1 << 1;
export const AV_CODEC_FLAG_GLOBAL_HEADER = 1 << 22;
export const AV_CODEC_FLAG_BITEXACT = 1 << 23;
export const FF_QP2LAMBDA = 118;
/** Sample formats: interleaved u8, s16, s32, flt, dbl, then the same planar. */
export const SAMPLE_FORMAT = { u8: 0, s16: 1, s32: 2, flt: 3, dbl: 4, u8p: 5, s16p: 6, s32p: 7, fltp: 8, dblp: 9 } as const;
