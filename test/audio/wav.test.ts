import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WaveFile } from 'wavefile';
import { readWav } from '../../src/audio/wav.ts';
import { chunk, join, readRecipe, recipeTags } from '../../src/audio/wav_tags.ts';
import { encodeSamples, type SampleFormat, wavHeader, writeWav } from '../../src/audio/wav_write.ts';
import { MelodyError } from '../../src/errors.ts';
import { asRifx, asW64 } from '../../tools/wav_kin.ts';
import { noise } from './signals.ts';

const text = (s: string) => new TextEncoder().encode(s);

interface Fmt {
  code?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  align?: number;
  extensible?: { valid: number; code: number; tail?: number[] };
}

function fmt({ code = 1, channels = 1, rate = 24000, bits = 16, align, extensible }: Fmt = {}): Uint8Array {
  const body = new Uint8Array(extensible ? 40 : 16);
  const view = new DataView(body.buffer);
  const blockAlign = align ?? (channels * bits) / 8;
  view.setUint16(0, extensible ? 0xfffe : code, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, rate, true);
  view.setUint32(8, rate * blockAlign, true);
  view.setUint16(12, blockAlign, true);
  view.setUint16(14, bits, true);
  if (extensible) {
    view.setUint16(16, 22, true);
    view.setUint16(18, extensible.valid, true);
    view.setUint16(24, extensible.code, true);
    body.set(extensible.tail ?? [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113], 26);
  }
  return chunk('fmt ', body);
}

function u32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function wave(parts: Uint8Array[], { id = 'RIFF', size }: { id?: string; size?: number } = {}): Uint8Array {
  const body = join(parts);
  return join([text(id), u32(size ?? body.length + 4), text('WAVE'), body]);
}

/** A data chunk whose size field lies. */
function claimed(size: number, body: Uint8Array): Uint8Array {
  return join([text('data'), u32(size), body]);
}

function fault(bytes: Uint8Array): MelodyError {
  try {
    readWav(bytes);
  } catch (error) {
    if (error instanceof MelodyError) return error;
    throw error;
  }
  throw new Error('expected readWav to refuse the file');
}

const four = new Uint8Array(Int16Array.from([0, 16384, -32768, 32767]).buffer);
const fourValues = [0, 0.5, -1, 32767 / 32768];

describe('reading: what must be accepted', () => {
  test('plain 16-bit', () => {
    const audio = readWav(wave([fmt(), chunk('data', four)]));
    expect(audio).toMatchObject({ sampleRate: 24000, format: 'pcm', bitsPerSample: 16, warnings: [] });
    expect([...audio.channels[0]]).toEqual(fourValues);
  });

  test('RF64 with its size in ds64', () => {
    const ds64 = new Uint8Array(28);
    new DataView(ds64.buffer).setBigUint64(8, 8n, true);
    const file = wave([chunk('ds64', ds64), fmt(), claimed(0xffffffff, four), chunk('junk', text('abcd'))], {
      id: 'RF64',
      size: 0xffffffff,
    });
    expect([...readWav(file).channels[0]]).toEqual(fourValues);
  });

  test('odd chunk pad: a chunk of odd size before the audio', () => {
    const file = wave([chunk('junk', text('odd')), fmt(), chunk('bext', text('x')), chunk('data', four)]);
    expect([...readWav(file).channels[0]]).toEqual(fourValues);
  });

  test('odd chunk pad: odd audio followed by tags', () => {
    const list = chunk('LIST', join([text('INFO'), chunk('INAM', text('hi\0'))]));
    const file = wave([fmt({ bits: 8 }), chunk('data', Uint8Array.of(128, 0, 255)), list]);
    const audio = readWav(file);
    expect([...audio.channels[0]]).toEqual([0, -1, 127 / 128]);
    expect(audio.tags.info).toEqual({ INAM: 'hi' });
  });

  test.each([0, 0xffffffff])('data size %i of a writer that streamed: read to the end', (size) => {
    expect([...readWav(wave([fmt(), claimed(size, four)], { size: 0xffffffff })).channels[0]]).toEqual(fourValues);
  });

  test('LIST before fmt', () => {
    const file = wave([chunk('LIST', join([text('INFO'), chunk('IART', text('me\0'))])), fmt(), chunk('data', four)]);
    expect(readWav(file).tags.info).toEqual({ IART: 'me' });
    expect([...readWav(file).channels[0]]).toEqual(fourValues);
  });

  test('8, 16, 24 and 32 bit, float and double hold the same values', () => {
    const values = [0, 0.5, -1, -0.25];
    const bodies: [Fmt, Uint8Array][] = [
      [{ bits: 8 }, Uint8Array.from(values, (v) => v * 128 + 128)],
      [{ bits: 16 }, new Uint8Array(Int16Array.from(values, (v) => v * 2 ** 15).buffer)],
      [{ bits: 24 }, Uint8Array.from(values.flatMap((v) => [v * 2 ** 23, (v * 2 ** 23) >> 8, (v * 2 ** 23) >> 16]))],
      [{ bits: 32 }, new Uint8Array(Int32Array.from(values, (v) => v * 2 ** 31).buffer)],
      [{ bits: 32, code: 3 }, new Uint8Array(Float32Array.from(values).buffer)],
      [{ bits: 64, code: 3 }, new Uint8Array(Float64Array.from(values).buffer)],
    ];
    for (const [format, body] of bodies) expect([...readWav(wave([fmt(format), chunk('data', body)])).channels[0]]).toEqual(values);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i channels come apart in order', (channels) => {
    const body = new Uint8Array(Int16Array.from({ length: channels * 3 }, (_, i) => i * 100).buffer);
    const audio = readWav(wave([fmt({ channels }), chunk('data', body)]));
    expect(audio.channels.length).toBe(channels);
    for (const [c, x] of audio.channels.entries()) expect([...x]).toEqual([0, 1, 2].map((i) => ((i * channels + c) * 100) / 32768));
  });

  test('extensible: PCM and float, fewer valid bits than the container', () => {
    const pcm = wave([fmt({ extensible: { valid: 12, code: 1 } }), chunk('data', four)]);
    expect([...readWav(pcm).channels[0]]).toEqual(fourValues);
    const float = wave([
      fmt({ bits: 32, extensible: { valid: 32, code: 3 } }),
      chunk('data', new Uint8Array(Float32Array.of(0.25).buffer)),
    ]);
    expect([...readWav(float).channels[0]]).toEqual([0.25]);
  });

  test('truncated, when asked to take what is there', () => {
    const audio = readWav(wave([fmt(), claimed(1000, four)]), { allowTruncated: true });
    expect(audio.channels[0].length).toBe(4);
    expect(audio.warnings[0]).toContain('8 of 1000');
  });

  test('a view into the middle of a larger buffer', () => {
    const file = wave([fmt(), chunk('data', four)]);
    const larger = new Uint8Array(file.length + 7);
    larger.set(file, 5);
    expect([...readWav(larger.subarray(5, 5 + file.length)).channels[0]]).toEqual(fourValues);
  });

  test('rubbish behind the audio and a cut last frame become warnings', () => {
    const audio = readWav(wave([fmt(), chunk('data', four.subarray(0, 7)), text('TAGxxxxxxxx')]));
    expect(audio.channels[0].length).toBe(3);
    expect(audio.warnings.length).toBe(2);
  });

  test.each([
    ['SoX', 0x7ffff000 - 36],
    ['LAME', 0x7fffffff],
    ['arecord', 0x80000000],
    ['a writer that says what it does not know', 0xffffffff],
  ])('what %s writes into a pipe, where the size could not be put in, is read whole', (_, size) => {
    const audio = readWav(wave([fmt(), claimed(size, four)]));
    expect([...audio.channels[0]]).toEqual(fourValues);
    expect(audio.warnings).toEqual([]);
  });

  test('RF64 whose 32-bit size holds the low bits is read by the size in ds64; so is BW64', () => {
    const ds64 = new Uint8Array(28);
    new DataView(ds64.buffer).setBigUint64(8, 8n, true);
    for (const id of ['RF64', 'BW64']) {
      const audio = readWav(wave([chunk('ds64', ds64), fmt(), claimed(4, four)], { id }));
      expect([...audio.channels[0]]).toEqual(fourValues);
    }
  });

  test('side chunks in another encoding are left out with a warning; the audio is read', () => {
    for (const id of ['iXML', 'mldy']) {
      const audio = readWav(wave([fmt(), chunk(id, Uint8Array.of(0xff, 0xfe, 0x41)), chunk('data', four)]));
      expect([...audio.channels[0]]).toEqual(fourValues);
      expect(audio.warnings).toEqual([`chunk ${id} is not UTF-8 and was left out`]);
      expect(audio.tags).toEqual({ info: {} });
    }
  });

  test('float samples that count integers are refused with the way to scale them; headroom is not', () => {
    const float = (...values: number[]) =>
      wave([fmt({ code: 3, bits: 32 }), chunk('data', new Uint8Array(Float32Array.from(values).buffer))]);
    expect([...readWav(float(0, 3.5, -20)).channels[0]]).toEqual([0, 3.5, -20]);
    expect(fault(float(0, 12_000, -31_000))).toMatchObject({
      message: expect.stringContaining('reach 3.100e+4'),
      hint: expect.stringContaining('volume=1/32768'),
    });
  });

  test('A-law and µ-law: the levels of G.711, plain and extensible', () => {
    // Decoder outputs of ITU-T G.711, table 1a and 2a, scaled to 16 bits.
    const levels: [number, [byte: number, level: number][]][] = [
      [6, [[0xd5, 8], [0x55, -8], [0xc5, 264], [0xaa, 32_256], [0x2a, -32_256], [0x80, 5504]]],
      [7, [[0xff, 0], [0x7f, 0], [0xfe, 8], [0x7e, -8], [0x80, 32_124], [0x00, -32_124], [0xef, 132]]],
    ]; // biome-ignore format: pairs
    for (const [code, pairs] of levels)
      for (const form of [fmt({ code, bits: 8 }), fmt({ code: 0xfffe, bits: 8, extensible: { valid: 8, code } })]) {
        const { channels, format, bitsPerSample } = readWav(
          wave([
            form,
            chunk(
              'data',
              Uint8Array.from(pairs, ([byte]) => byte),
            ),
          ]),
        );
        expect(Array.from(channels[0], (x) => x * 32_768)).toEqual(pairs.map(([, level]) => level));
        expect([format, bitsPerSample]).toEqual(['pcm', 8]);
      }
  });

  test('20 bits stand in the upper ones of three bytes, 12 in those of two', () => {
    const of = (bits: number, bytes: number[]) =>
      readWav(wave([fmt({ bits, align: bytes.length }), chunk('data', Uint8Array.from(bytes))]));
    expect(of(20, [0, 0, 0x40])).toMatchObject({ channels: [Float32Array.of(0.5)], bitsPerSample: 24 });
    expect(of(12, [0, 0xc0])).toMatchObject({ channels: [Float32Array.of(-0.5)], bitsPerSample: 16 });
  });

  test('ID3 in front of the file, with and without a footer', () => {
    const file = wave([fmt(), chunk('data', Uint8Array.of(0, 64))]);
    for (const [flag, footer] of [
      [0, 0],
      [0x10, 10],
    ]) {
      const front = Uint8Array.from([0x49, 0x44, 0x33, 4, 0, flag, 0, 0, 1, 2, ...Array(130 + footer).fill(0)]);
      expect(Array.from(readWav(join([front, file])).channels[0])).toEqual([0.5]);
    }
  });

  test('INFO text that is not UTF-8 is read as Windows text', () => {
    const file = wave([fmt(), chunk('data', four), chunk('LIST', join([text('INFO'), chunk('IART', Uint8Array.of(0xc9, 0x61, 0))]))]);
    expect(readWav(file).tags.info).toEqual({ IART: 'Éa' });
  });
});

describe('a recipe in INFO', () => {
  const note = { recipe: { prompt: 'Käfer', seed: 1 }, software: 'melody', license: 'mit', title: 'Käfer' };
  const bytes = () => writeWav({ sampleRate: 24_000, channels: [Float32Array.from(fourValues)], tags: recipeTags(note) });
  const without = (id: string) => {
    const file = Buffer.from(bytes());
    file.write('none', file.indexOf(id), 'latin1');
    return readWav(file).tags;
  };
  test('stands in for a chunk that another program dropped, and shows nowhere else', () => {
    expect(readRecipe(without('mldy'))).toEqual(note);
    for (const tags of [readWav(bytes()).tags, without('mldy'), without('ISRF')])
      expect(tags).toMatchObject({ melody: recipeTags(note).melody });
    for (const tags of [readWav(bytes()).tags, without('mldy')])
      expect(Object.keys(tags.info).sort()).toEqual(['ICMT', 'ICOP', 'INAM', 'ISFT']);
  });
  test('other words in that place are left as they are', () => {
    const tags = { info: { ISRF: 'tape' }, melody: recipeTags(note).melody };
    expect(readWav(writeWav({ sampleRate: 24_000, channels: [Float32Array.from(fourValues)], tags })).tags).toMatchObject(tags);
  });
});

describe('reading: RIFX and W64', () => {
  const ramp = Float32Array.from({ length: 25 }, (_, i) => i / 25 - 0.5);
  const files: [string, Uint8Array][] = [
    ...(['pcm16', 'pcm24', 'float32'] as const).map((sample): [string, Uint8Array] => [
      sample,
      writeWav(
        { sampleRate: 48_000, channels: [ramp, ramp.map((x) => -x)], tags: { info: { INAM: 'name', IART: 'Éa' }, melody: '{}' } },
        sample,
      ),
    ]),
    ['8 bits', wave([fmt({ bits: 8 }), chunk('data', Uint8Array.of(0, 128, 255))])],
    ['64 bits', wave([fmt({ code: 3, bits: 64 }), chunk('data', new Uint8Array(Float64Array.of(0.25, -0.5).buffer))])],
    ['32 bits', wave([fmt({ bits: 32 }), chunk('data', new Uint8Array(Int32Array.of(2 ** 30, -(2 ** 29)).buffer))])],
    ['µ-law', wave([fmt({ code: 7, bits: 8 }), chunk('data', Uint8Array.of(0, 90, 255))])],
    ['extensible', wave([fmt({ extensible: { valid: 16, code: 1 } }), chunk('data', four)])],
  ];
  test.each(files)('%s: the samples, form and words of the RIFF', (_, riff) => {
    const { tags, ...sound } = readWav(riff);
    expect(readWav(asRifx(riff))).toEqual({ tags, ...sound });
    const { tags: few, ...same } = readWav(asW64(riff));
    expect(same).toEqual(sound);
    expect(few).toMatchObject({ info: tags.info });
  });
  test('W64 from a pipe has all that is there', () => {
    const riff = wave([fmt(), chunk('data', four)]);
    for (const unknown of [2n ** 63n - 1n, 2n ** 64n - 1n])
      expect(readWav(asW64(riff, unknown))).toMatchObject({ warnings: [], channels: [Float32Array.from(fourValues)] });
  });
  test('what follows the audio of a W64 and is no chunk is told, and no reason to refuse', () => {
    const file = join([asW64(wave([fmt(), chunk('data', four)])), new Uint8Array(24)]);
    expect(readWav(file)).toMatchObject({
      warnings: [expect.stringContaining('not a whole chunk')],
      channels: [Float32Array.from(fourValues)],
    });
  });
});

describe('reading: what must be refused, with a typed error', () => {
  const data = chunk('data', four);
  const cases: [string, Uint8Array, string][] = [
    ['empty file', new Uint8Array(0), 'not a WAVE'],
    ['eleven bytes', text('RIFF0000WAV'), 'not a WAVE'],
    ['an MP3', text('ID3\x04 and so on and on'), 'an MP3 file'],
    ['RIFX with its low bytes first', wave([fmt(), data], { id: 'RIFX' }), 'claims 268435456'],
    ['RIFX cut short', asRifx(wave([fmt(), data])).subarray(0, -3), 'truncated'],
    ['W64 cut short', asW64(wave([fmt(), data])).subarray(0, -3), 'truncated'],
    ['W64 that claims 2^40 bytes', asW64(wave([fmt(), data]), 2n ** 40n), 'claims 1099511627752'],
    ['W64 whose audio is shorter than its own head', asW64(wave([fmt(), data]), 7n), 'truncated'],
    ['W64 with nothing but its names', asW64(wave([])), 'no fmt'],
    ['the first word of W64 alone', text('riff and so on, forty bytes and some more'), 'got a text, which begins "riff and so on'],
    ['truncated audio', wave([fmt(), data]).subarray(0, -3), 'truncated'],
    ['1.5 GB claim in a 1 KB file', wave([fmt(), claimed(1.5e9, new Uint8Array(1000))]), 'claims 1500000000'],
    [
      '2^60 bytes claimed by ds64',
      wave(
        [
          chunk(
            'ds64',
            Uint8Array.from({ length: 28 }, (_, i) => (i === 15 ? 16 : 0)),
          ),
          fmt(),
          claimed(0xffffffff, four),
        ],
        { id: 'RF64' },
      ),
      'truncated',
    ],
    ['short ds64', wave([chunk('ds64', new Uint8Array(8)), fmt(), data], { id: 'RF64' }), 'ds64'],
    ['no fmt chunk', wave([data]), 'no fmt'],
    ['no data chunk', wave([fmt()]), 'no data'],
    ['two fmt chunks', wave([fmt(), fmt(), data]), 'two fmt'],
    ['two data chunks', wave([fmt(), data, data]), 'two data'],
    ['fmt of 14 bytes', wave([chunk('fmt ', new Uint8Array(14)), data]), 'at least 16'],
    ['chunk past the end before the audio', wave([join([text('junk'), u32(5000)]), fmt(), data]), 'claims 5000'],
    ['a header chunk cut short', wave([fmt(), data]).subarray(0, 24), 'claims 16'],
    ['rate 0 Hz', wave([fmt({ rate: 0 }), data]), '0 Hz'],
    ['rate 1 Hz', wave([fmt({ rate: 1 }), data]), '1 Hz'],
    ['rate 768 kHz', wave([fmt({ rate: 768000 }), data]), '768000 Hz'],
    ['0 channels', wave([fmt({ channels: 0, align: 2 }), data]), '0 channels'],
    ['9 channels', wave([fmt({ channels: 9 }), data]), '9 channels'],
    ['40 bits', wave([fmt({ bits: 40, align: 5 }), data]), '40 bits'],
    ['16-bit float', wave([fmt({ code: 3 }), data]), '16 bits'],
    ['wrong block align', wave([fmt({ align: 3 }), data]), 'block align 3'],
    ['IMA ADPCM', wave([fmt({ code: 17, bits: 4, align: 1 }), data]), 'format code 17'],
    ['A-law of 16 bits', wave([fmt({ code: 6 }), data]), '16 bits'],
    ['extensible of a foreign kind', wave([fmt({ extensible: { valid: 16, code: 1, tail: Array(14).fill(7) } }), data]), 'sub-format'],
    ['more valid bits than bits', wave([fmt({ extensible: { valid: 20, code: 1 } }), data]), '20 valid bits'],
    ['no samples', wave([fmt(), chunk('data', new Uint8Array(0))]), 'no samples'],
    ['less than a frame', wave([fmt(), chunk('data', new Uint8Array(1))]), 'no samples'],
  ];
  test.each(cases)('%s', (_name, bytes, message) => {
    const error = fault(bytes);
    expect(error.code).toBe('audio');
    expect(error.message).toContain(message);
  });

  test('a size claim allocates nothing: 1 KB stays cheap', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i++) fault(wave([fmt(), claimed(1.5e9, new Uint8Array(1000))]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8e6);
  });
});

describe('writing', () => {
  test.each(['pcm16', 'pcm24', 'float32'] as SampleFormat[])('%s: read, write, read is bit-exact, exact frames', (format) => {
    for (const frames of [1, 2, 3, 1001]) {
      const original = writeWav({ sampleRate: 44100, channels: [noise(frames, 1), noise(frames, 2, 0.3)] }, format);
      const audio = readWav(original);
      expect(audio.channels.map((x) => x.length)).toEqual([frames, frames]);
      expect(writeWav(audio, format)).toEqual(original);
    }
  });

  test('float32 keeps every bit, even above full scale', () => {
    const x = Float32Array.of(1.5, -3, 1e-30, 0.1);
    expect(readWav(writeWav({ sampleRate: 24000, channels: [x] }, 'float32')).channels[0]).toEqual(x);
  });

  test('PCM clamps, rounds to nearest and adds no dither', () => {
    const x = Float32Array.of(2, -2, 0.4 / 32768, 0.6 / 32768, 0);
    const y = readWav(writeWav({ sampleRate: 24000, channels: [x] }, 'pcm16')).channels[0];
    expect([...y].map((v) => v * 32768)).toEqual([32767, -32768, 0, 1, 0]);
  });

  test('the pad byte: mono 24-bit of odd length is even in size and whole', () => {
    const bytes = writeWav({ sampleRate: 24000, channels: [noise(3, 5)] }, 'pcm24');
    expect(bytes.length % 2).toBe(0);
    expect(readWav(bytes)).toMatchObject({ warnings: [] });
    expect(new DataView(bytes.buffer).getUint32(4, true)).toBe(bytes.length - 8);
  });

  test('more than 4 GiB becomes RF64 with exact sizes', () => {
    const frames = 2 ** 31 + 1;
    const header = wavHeader({ sampleRate: 48000, channels: 2, format: 'pcm24', frames });
    const view = new DataView(header.buffer);
    expect(new TextDecoder().decode(header.subarray(0, 4))).toBe('RF64');
    expect(view.getUint32(4, true)).toBe(0xffffffff);
    expect(Number(view.getBigUint64(28, true))).toBe(frames * 6);
    expect(Number(view.getBigUint64(36, true))).toBe(frames);
    expect(Number(view.getBigUint64(20, true))).toBe(header.length - 8 + frames * 6);
    expect(view.getUint32(header.length - 4, true)).toBe(0xffffffff);
    // The same header over one second is a file that is cut off, not one of another length.
    expect(fault(join([header, new Uint8Array(600)])).message).toContain('truncated');
  });

  test('just under 4 GiB stays RIFF', () => {
    const frames = Math.floor((0xffffffff - 36) / 2);
    expect(String.fromCharCode(wavHeader({ sampleRate: 48000, channels: 1, format: 'pcm16', frames })[3])).toBe('F');
    expect(String.fromCharCode(wavHeader({ sampleRate: 48000, channels: 1, format: 'pcm16', frames: frames + 1 })[3])).toBe('4');
  });

  test('streaming: header of unknown length, then blocks', () => {
    const x = noise(1000, 9, 0.5);
    const head = wavHeader({ sampleRate: 24000, channels: 1, format: 'pcm16', tags: { info: { INAM: 'live' } } });
    const stream = join([head, encodeSamples([x.subarray(0, 300)], 'pcm16'), encodeSamples([x.subarray(300)], 'pcm16')]);
    const audio = readWav(stream);
    expect(audio.tags.info.INAM).toBe('live');
    expect(audio.channels).toEqual(readWav(writeWav({ sampleRate: 24000, channels: [x] })).channels);
  });

  test('NaN and infinity are refused by place', () => {
    expect(() => writeWav({ sampleRate: 24000, channels: [Float32Array.of(0, Number.NaN)] })).toThrow('sample 1 of channel 0 is NaN');
  });

  test.each([
    ['no channels', { sampleRate: 24000, channels: [] }],
    ['nine channels', { sampleRate: 24000, channels: Array.from({ length: 9 }, () => new Float32Array(1)) }],
    ['uneven channels', { sampleRate: 24000, channels: [new Float32Array(2), new Float32Array(3)] }],
    ['rate 1.5', { sampleRate: 1.5, channels: [new Float32Array(2)] }],
    ['INFO id of five letters', { sampleRate: 24000, channels: [new Float32Array(2)], tags: { info: { TITLE: 'x' } } }],
    ['NUL in INFO', { sampleRate: 24000, channels: [new Float32Array(2)], tags: { info: { INAM: 'a\0b' } } }],
    ['lone surrogate in INFO', { sampleRate: 24000, channels: [new Float32Array(2)], tags: { info: { INAM: 'a\ud800' } } }],
  ])('refused: %s', (_name, audio) => {
    expect(() => writeWav(audio)).toThrow(MelodyError);
  });
});

describe('tags', () => {
  test('INFO and iXML round trip with Unicode', () => {
    const tags = {
      info: { INAM: 'さくら 👩‍👩‍👧 e\u0301 é', IART: 'שלום', ICMT: '\ufeffwith a mark', ISFT: '' },
      ixml: '<?xml version="1.0"?><BWFXML><NOTE>żółć</NOTE></BWFXML>',
      melody: '{"any":"text"}',
    };
    expect(readWav(writeWav({ sampleRate: 24000, channels: [new Float32Array(3)], tags })).tags).toEqual(tags);
  });

  test('recipe, AI tag, software and licence come back exactly', () => {
    const recipe = { prompt: 'bossa \ud800 "nova"\0 </x>', seed: 2 ** 53 - 1, steps: 10, nested: { list: [1, null, 'é'] } };
    const tags = recipeTags({ recipe, software: 'melody 0.1.0', license: 'CC0-1.0', title: `${'x'.repeat(999)}😀 \0` });
    const read = readWav(writeWav({ sampleRate: 24000, channels: [new Float32Array(3)], tags })).tags;
    expect(readRecipe(read)).toEqual({ recipe, software: 'melody 0.1.0', license: 'CC0-1.0', title: `${'x'.repeat(999)}😀 \0` });
    expect(read.info).toMatchObject({ ICMT: 'AI-generated', ISFT: 'melody 0.1.0', ICOP: 'CC0-1.0' });
    expect(JSON.parse(read.melody as string)).toMatchObject({ aiGenerated: true });
  });

  test('what INFO says stands as ID3 too, and how the music was made as XMP; both are read', () => {
    const note = { recipe: { seed: 1 }, software: 'melody 9.9', license: 'mit', title: 'Käfer <&> "音"\u0001' };
    const bytes = writeWav({ sampleRate: 24_000, channels: [new Float32Array(10)], tags: recipeTags(note) });
    const file = readWav(bytes);
    expect(file.warnings).toEqual([]);
    expect(file.tags.xmp).toContain('DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"');
    expect(file.tags.xmp).toContain('>Käfer &#60;&#38;&#62; &#34;音&#34; </rdf:li>');
    expect(readRecipe(file.tags)).toEqual(note);
    // Another program dropped LIST: the ID3 chunk says the same.
    const at = Buffer.from(bytes).indexOf('LIST');
    const bare = bytes.slice();
    bare.set(text('JUNK'), at);
    expect(readWav(bare).tags.info).toEqual(file.tags.info);
  });

  test('ID3 of other programs: version 3, Latin-1 and both kinds of UTF-16, a broken tail', () => {
    const frame = (id: string, body: number[]) => [...text(id), 0, 0, 0, body.length, 0, 0, ...body];
    const utf16 = (s: string) => [...s].flatMap((c) => [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8]);
    const frames = [
      ...frame('TIT2', [0, ...[...'Käfer'].map((c) => c.charCodeAt(0))]),
      ...frame('TPE1', [1, 0xff, 0xfe, ...utf16('Zoë')]),
      ...frame('TALB', [1, 0xfe, 0xff, 0, 65]),
      ...frame('COMM', [0, ...text('engx\0note')]),
      ...frame('TCON', [9, 65]),
    ];
    const id3 = Uint8Array.from([
      ...text('ID3'),
      3,
      0,
      0,
      0,
      0,
      (frames.length + 14) >> 7,
      (frames.length + 14) & 127,
      ...frames,
      ...text('TCOP'),
      0,
      0,
      1,
      0,
      0,
      0,
      3,
      65,
    ]);
    const data = chunk('data', new Uint8Array(8));
    expect(readWav(wave([fmt(), data, chunk('id3 ', id3)])).tags.info).toEqual({ INAM: 'Käfer', IART: 'Zoë', IPRD: 'A', ICMT: 'note' });
    for (let cut = 0; cut < id3.length; cut += 3) readWav(wave([fmt(), data, chunk('id3 ', id3.slice(0, cut))]));
  });

  test('a file without a recipe has none; a broken one is said to be broken', () => {
    expect(readRecipe({ info: {} })).toBeUndefined();
    for (const melody of ['', '{', '[]', 'null', '{"seed":1}', '['.repeat(100000)]) {
      expect(() => readRecipe({ info: {}, melody })).toThrow(MelodyError);
    }
  });
});

// wavefile is an independent reader and writer of the format; it is a development dependency only.
describe('wavefile agrees', () => {
  test.each(['pcm16', 'pcm24', 'float32'] as const)(
    '%s with a recipe, saved again by it, holds its audio alone and can be read',
    (sample) => {
      const tags = recipeTags({ recipe: { prompt: 'x' }, software: 'melody 9.9', license: 'mit', title: 'Käfer' });
      const channels = [noise(1000, 1, 0.1)];
      const ours = writeWav({ sampleRate: 24_000, channels, tags }, sample);
      const other = new WaveFile(ours);
      other.setTag('IART', 'me');
      const saved = readWav(other.toBuffer());
      expect(saved.channels).toEqual(readWav(ours).channels);
      expect(saved.tags.info).toEqual({ ...tags.info, IART: 'me' });
      expect(saved.tags.xmp).toBe(tags.xmp);
      expect(chunksOf(other.toBuffer()).map(([id]) => id)).toEqual([
        ...(sample === 'float32' ? ['fmt ', 'fact'] : ['fmt ']),
        'data',
        'LIST',
        '_PMX',
      ]);
    },
  );

  /** Id and size of every chunk, as far as the sizes lead. */
  function chunksOf(file: Uint8Array): [string, number][] {
    const view = Buffer.from(file);
    const found: [string, number][] = [];
    for (let at = 12; at + 8 <= view.length; ) {
      const size = view.readUInt32LE(at + 4);
      found.push([view.toString('latin1', at, at + 4), size]);
      at += 8 + size + (size & 1);
    }
    return found;
  }

  const formats: [SampleFormat, string][] = [
    ['pcm16', '16'],
    ['pcm24', '24'],
    ['float32', '32f'],
  ];
  test.each(formats)('it reads our %s files: samples, rate and tags', (format, depth) => {
    const x = noise(501, 4);
    const bytes = writeWav(
      { sampleRate: 24000, channels: [x, noise(501, 5)], tags: { info: { INAM: 'Ünder 音', ISFT: 'melody' } } },
      format,
    );
    const theirs = new WaveFile(bytes);
    expect(theirs.bitDepth).toBe(depth);
    expect((theirs.fmt as { sampleRate: number }).sampleRate).toBe(24000);
    expect(theirs.getTag('INAM')).toBe('Ünder 音');
    const samples = theirs.getSamples(false) as unknown as Float64Array[];
    const scale = format === 'pcm16' ? 32768 : format === 'pcm24' ? 8388608 : 1;
    expect(Float32Array.from(samples[0], (v) => v / scale)).toEqual(readWav(bytes).channels[0]);
  });

  test.each(['8', '16', '24', '32', '32f', '64'])('we read its %s-bit files', (depth) => {
    const values = [0, 0.5, -0.5, 0.25];
    const theirs = new WaveFile();
    const scale = depth === '32f' || depth === '64' ? 1 : 2 ** (Number(depth) - 1);
    const offset = depth === '8' ? 128 : 0;
    theirs.fromScratch(
      1,
      22050,
      depth,
      values.map((v) => v * scale + offset),
    );
    theirs.setTag('ICMT', 'né');
    const ours = readWav(theirs.toBuffer());
    expect([...ours.channels[0]]).toEqual(values);
    expect(ours.tags.info.ICMT).toBe('né');
  });
});

describe('fuzzing', () => {
  const runs = { numRuns: 2000, seed: 20250607 };
  const base = join([
    wave([
      chunk('LIST', join([text('INFO'), chunk('INAM', text('title\0'))])),
      fmt({ channels: 2 }),
      chunk('data', four),
      chunk('mldy', text('{"recipe":1}')),
    ]),
  ]);

  test('mutated files give audio or a typed error, and audio no larger than four times the file', () => {
    const edit = fc.record({ at: fc.nat(base.length - 1), value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255)) });
    const property = fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), fc.nat(base.length), (edits, cut) => {
      const bytes = base.slice(0, cut % 3 === 0 ? cut : base.length);
      for (const { at, value } of edits) if (at < bytes.length) bytes[at] = value;
      try {
        const audio = readWav(bytes);
        expect(audio.channels.length * audio.channels[0].length * 4).toBeLessThanOrEqual(4 * bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(MelodyError);
      }
    });
    fc.assert(property, runs);
  });

  test('any well-formed tags and samples round trip', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((s) => s.replaceAll('\0', ''));
    const id = fc.stringMatching(/^I[A-Z0-9]{3}$/);
    const property = fc.property(fc.dictionary(id, line, { maxKeys: 5 }), line, fc.integer({ min: 1, max: 50 }), (info, ixml, frames) => {
      const audio = readWav(
        writeWav({ sampleRate: 24000, channels: [noise(frames, frames)], tags: { info: { ...info }, ixml } }, 'float32'),
      );
      expect(audio.channels[0]).toEqual(noise(frames, frames));
      expect(audio.tags).toEqual({ info: { ...info }, ixml });
    });
    fc.assert(property, { ...runs, numRuns: 500 });
  });
});
