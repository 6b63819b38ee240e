/** Everything that can be measured on a finished clip without trained weights, in one report (docs/requirements.md §3). */
import { MelodyError } from '../errors.ts';
import { lengthOf, monoMix } from './channels.ts';
import { type Loudness, loudness } from './loudness.ts';
import type { Envelopes } from './measures/envelopes.ts';
import { type Features, features } from './measures/features.ts';
import { hopBuzz, type Seam, seams } from './measures/joins.ts';
import { type Clipping, clipping, type Level, level, nonFinite, type Silence, type Stereo, silence, stereo } from './measures/level.ts';
import {
  beatTimes,
  grooveSimilarity,
  onsets,
  pulseClarity,
  type TempoStability,
  tempo,
  tempoAdherence,
  tempoStability,
  walkingTempo,
} from './measures/rhythm.ts';
import { type Spectrum, spectrum } from './measures/spectrum.ts';
import { type Structure, structure } from './measures/structure.ts';
import { descriptor } from './measures/timbre.ts';
import { type Tonality, tonality } from './measures/tonality.ts';
import { type Tones, tones } from './measures/tones.ts';

/** What `measureClip` may know about a clip beside its samples. */
export interface MeasureOptions {
  /** The tempo that was asked for, beats a minute; adds `rhythm.adherence`. Default: none. */
  bpm?: number;
  /** Periods in samples at which a generator could buzz, such as the decoder's hop. Default: none. */
  periods?: number[];
  /** Latent frames a second of the codec that made the clip, whose traces are looked for. Default 50. */
  frameRate?: number;
  /** Samples at which chunks were joined; 0 is the loop point. Default: none. */
  joins?: number[];
}

/** What is asked of the sound itself; cheap enough to run after every generation. */
export interface SoundReport {
  /** Length in seconds. */
  duration: number;
  /** Samples a second, Hz. */
  sampleRate: number;
  /** Number of channels. */
  channels: number;
  /** NaN and infinite samples; all other measures read them as 0. */
  nonFinite: number;
  /** Peaks, crest factor and DC. */
  level: Level;
  /** Samples at full scale. */
  clipping: Clipping;
  /** Quiet parts. */
  silence: Silence;
  /** Long-term spectrum of the mean of the channels. */
  spectrum: Spectrum;
  /** Why the clip is probably not music, in words; empty when nothing is suspect. */
  suspect: string[];
}

/** Everything that `measureClip` measures. */
export interface ClipReport extends SoundReport {
  /** Loudness of all channels together. */
  loudness: Loudness;
  /** Of the first two channels; absent for mono. */
  stereo?: Stereo;
  /** Tempo and pulse. */
  rhythm: Rhythm;
  /** How well the clip is in tune. */
  tones: Tones;
  /** Only in reports of `melody eval`: a page that makes music has no need of it. */
  envelopes?: Envelopes;
  /** Absent where no pitch was found. */
  tonality?: Tonality;
  /** Absent for clips under 12 s. */
  structure?: Structure;
  /** 64 numbers by which clips can be compared. */
  descriptor: number[];
  /** One for each of `MeasureOptions.periods`. */
  hopBuzz: {
    /** Samples. */
    period: number;
    /** Autocorrelation of |x[n] − x[n−1]| at the period less its median around it: near 0 for music, high for a click every period. */
    value: number;
  }[];
  /** One for each of `MeasureOptions.joins`. */
  seams: Seam[];
}

/** Tempo and pulse of a clip. */
export interface Rhythm {
  /** BPM; 0 where nothing repeats. */
  tempo: number;
  /** Height of the strongest repetition of the onset envelope, 0 to 1. */
  pulseClarity: number;
  /** Absent for clips under 10 s. */
  stability?: TempoStability;
  /** Whether the asked tempo was met, within 4 %. Absent where none was asked for. */
  adherence?: {
    /** At the asked tempo itself. */
    strict: boolean;
    /** At the asked tempo, or at a simple multiple or fraction of it. */
    folded: boolean;
  };
  /** 0 … 1; absent for fewer than two bars. */
  groove?: number;
}

/** Flatness above which a clip is noise; white noise has 0.56. */
const NOISE_FLATNESS = 0.45;
const MAX_CLIPPED = 0.01;
const MAX_DC = 0.01;
const LONE_TONE_SHARE = 0.98;
const MAX_SILENT = 0.95;
/** Of 145 corpus clips, two of each style, the highest has 0.15, the middle one 0.03; the decoder of 2026-11 has 0.26 to 0.55. */
const MAX_LATTICE = 0.2;
/** Where partials stand this far over their valleys (dB), 68 % or more of the tones of every corpus clip are in tune. */
const STEADY_TONES = 15;
const MIN_IN_TUNE = 0.45;
/** No corpus clip with a pulse below 0.45 has less than 0.06 of its energy in the bass. */
const MIN_BASS = 0.02;
const MIN_PULSE = 0.35;

/**
 * Measures a finished clip without trained weights. Takes about half a second for 10 s of stereo at 48 kHz, without WebAssembly twice that.
 * @param channels one array a channel, all of one length, at least one sample, full scale −1 to 1
 * @param sampleRate samples a second, Hz
 * @throws MelodyError `invalid_argument` for no samples or unequal lengths
 */
export function measureClip(channels: Float32Array[], sampleRate: number, options: MeasureOptions = {}): ClipReport {
  const broken = nonFinite(channels);
  const x = finiteChannels(channels, broken);
  const mono = monoMix(x);
  const heard = features(mono, sampleRate);
  const pitch = tonality(heard);
  const form = structure(heard);
  const sound = soundOf(x, mono, sampleRate, broken);
  const beat = rhythm(heard, options.bpm);
  const pitches = tones(mono, sampleRate, options.frameRate);
  return {
    ...sound,
    suspect: [...sound.suspect, ...(sound.suspect.length === 0 ? unmusical(pitches, beat) : [])],
    loudness: loudness(x, sampleRate),
    ...(x.length > 1 && { stereo: stereo(x[0], x[1]) }),
    rhythm: beat,
    tones: pitches,
    ...(pitch && { tonality: pitch }),
    ...(form && { structure: form }),
    descriptor: [...descriptor(heard)],
    hopBuzz: (options.periods ?? []).map((period) => ({ period, value: hopBuzz(mono, period) })),
    seams: seams(mono, sampleRate, options.joins ?? []),
  };
}

function rhythm(heard: Features, asked: number | undefined): Rhythm {
  const track = onsets(heard.mel);
  const bpm = tempo(track);
  const stability = tempoStability(track, bpm);
  const groove = grooveSimilarity(track, beatTimes(track, walkingTempo(bpm)));
  return {
    tempo: bpm,
    pulseClarity: pulseClarity(track),
    ...(stability && { stability }),
    ...(asked !== undefined && { adherence: tempoAdherence(asked, bpm) }),
    ...(groove !== undefined && { groove }),
  };
}

function soundOf(channels: Float32Array[], mono: Float32Array, sampleRate: number, broken: number): SoundReport {
  const report = {
    duration: mono.length / sampleRate,
    sampleRate,
    channels: channels.length,
    nonFinite: broken,
    level: level(channels),
    clipping: clipping(channels, sampleRate),
    silence: silence(mono, sampleRate),
    spectrum: spectrum(mono, sampleRate),
  };
  return { ...report, suspect: suspicions(report) };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function suspicions(report: Omit<SoundReport, 'suspect'>): string[] {
  const found: string[] = [];
  const { nonFinite: broken, silence: quiet, spectrum: spectral, clipping: clipped, level: levels } = report;
  if (broken > 0) found.push(`non-finite: ${broken} samples are NaN or infinite`);
  if (quiet.share > MAX_SILENT) found.push(`silent: ${percent(quiet.share)} of the clip is below -60 dBFS`);
  else if (spectral.flatness > NOISE_FLATNESS)
    found.push(`flat noise: spectral flatness ${spectral.flatness.toFixed(2)}, music is below ${NOISE_FLATNESS}`);
  else if (spectral.toneShare > LONE_TONE_SHARE) found.push(`lone tone: ${percent(spectral.toneShare)} of the power in one narrow band`);
  if (clipped.share > MAX_CLIPPED) found.push(`clipped: ${percent(clipped.share)} of the samples`);
  if (levels.dc > MAX_DC) found.push(`DC offset ${levels.dc.toFixed(3)}`);
  return found;
}

/** What no clip of the corpus does, as far as tones and strokes tell. */
function unmusical({ latticeShare, inTune, haze, bassShare }: Tones, { pulseClarity: pulse }: Rhythm): string[] {
  const found: string[] = [];
  if (latticeShare !== undefined && latticeShare > MAX_LATTICE)
    found.push(`out of tune: ${percent(latticeShare)} of the tones lie on multiples of the decoder's frame rate, in music below 15 %`);
  else if (inTune !== undefined && inTune < MIN_IN_TUNE && haze.low !== undefined && haze.low > STEADY_TONES)
    found.push(
      `out of tune: ${percent(inTune)} of the tones lie within 15 cents of a semitone, in music with such steady tones above 65 %`,
    );
  if (bassShare !== undefined && bassShare < MIN_BASS && pulse < MIN_PULSE)
    found.push(`neither bass nor pulse: ${percent(bassShare)} of the energy below 250 Hz, pulse clarity ${pulse.toFixed(2)}`);
  return found;
}

/** The channels with NaN and infinity as 0; the same arrays when there are none. */
export function finiteChannels(channels: Float32Array[], broken = nonFinite(channels)): Float32Array[] {
  if (channels.length === 0 || lengthOf(channels) === 0) throw new MelodyError('invalid_argument', 'measure: the clip has no samples');
  if (channels.some((x) => x.length !== lengthOf(channels))) {
    throw new MelodyError(
      'invalid_argument',
      `measure: channels of ${channels.map((x) => x.length).join(', ')} samples; expected equal lengths`,
    );
  }
  return broken === 0 ? channels : channels.map((x) => x.map((v) => (Number.isFinite(v) ? v : 0)));
}
