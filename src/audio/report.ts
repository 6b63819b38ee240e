/** A clip's report as named numbers: for tables, and for bands of real music to hold a clip against. */

import type { ClipReport } from './measure.ts';
import type { Envelopes } from './measures/envelopes.ts';
import type { LinesKept } from './measures/lines_kept.ts';
import type { Tones } from './measures/tones.ts';
import { percentile } from './statistics.ts';

export interface Row {
  name: string;
  /** Undefined where the clip has no such measure: too short, mono, nothing asked. */
  value: number | undefined;
  unit: string;
  digits: number;
  /** How to read the number, where its name and unit do not say it. */
  note?: string;
}

/** The scalar measures of a report, in the order of a table. Key and other words are not among them. */
export function rows(report: ClipReport): Row[] {
  const { level, clipping, silence, spectrum, loudness, stereo, rhythm, tonality, structure } = report;
  return [
    ...toneRows(report.tones),
    ...(report.envelopes ? envelopeRows(report.envelopes) : []),
    row('loudness', loudness.integrated, 'LUFS', 1, 'how loud it is heard; streaming services play at about -14'),
    row('loudness range', loudness.range, 'LU', 1, 'between quiet and loud passages'),
    row('loudness drift', loudness.drift, 'LU/min', 1, 'above 0: louder as it goes on'),
    row('sample peak', level.samplePeakDb, 'dBFS', 1, '0 is full scale'),
    row('true peak', level.truePeakDb, 'dBTP', 1, 'above 0 it clips when played'),
    row('crest', level.crestDb, 'dB', 1, 'peak over mean level; below 8 sounds squashed'),
    row('DC', level.dc, '', 5, 'offset from the middle; above 0.01 is a fault'),
    row('clipped', 100 * clipping.share, '%', 3, 'samples in runs at full scale; above 1 is a fault'),
    row('clipped, worst second', 100 * clipping.worstSecond, '%', 3),
    share('silence', silence.share, 'pieces of 50 ms below -60 dBFS'),
    row('longest gap', silence.longestGap, 's'),
    row('stereo correlation', stereo?.correlation, '', 2, '1: mono, 0: unrelated sides, -1: gone in mono'),
    row('side to mid', stereo?.sideToMid, '', 2, 'energy of what differs between the sides over what they share'),
    row('mono fold', stereo?.monoFoldDb, 'dB', 1, 'change of level when folded to mono'),
    row('flatness', spectrum.flatness, '', 3, '0 for a tone, 0.56 for white noise'),
    row('bandwidth', spectrum.bandwidth, 'Hz', 0, 'highest frequency within 60 dB of the strongest'),
    row('85 % roll-off', spectrum.rolloff85, 'Hz', 0, '85 % of the energy lies below'),
    row('centroid', spectrum.centroid, 'Hz', 0, 'brightness'),
    row('tempo', rhythm.tempo, 'BPM', 1, 'may be half or double of what is felt; 0 where nothing repeats'),
    row('pulse clarity', rhythm.pulseClarity, '', 2, 'how steadily strokes repeat; music 0.5 to 0.95, noise 0.15'),
    share('steady tempo', rhythm.stability?.share, "pieces of 8 s whose tempo is within 4 % of the clip's"),
    row('tempo variation', rhythm.stability && 100 * rhythm.stability.variation, '%', 1),
    row('groove similarity', rhythm.groove, '', 2, 'how alike the bars are struck, 0 to 1'),
    row('key clarity', tonality?.key.clarity, '', 2, 'fit of the best key, 1 at best; clear from 0.85'),
    row('key margin', tonality?.key.margin, '', 2, 'lead over the second best; clear from 0.05'),
    row('key stability', tonality?.keyStability, '', 2, 'agreement of pieces of 8 s with that key, 0 to 1'),
    row('chroma consistency', tonality?.chromaConsistency, '', 2, 'likeness of harmony from 4 s to 4 s; 1: one chord, 0.8: random'),
    row('chroma to mean', tonality?.chromaToMean, '', 2, 'the same against the whole clip'),
    row('harmonic change', tonality?.harmonicChange, '', 2, 'movement of harmony from second to second; 0: a drone'),
    row('pitch-class entropy', tonality?.pitchClassEntropy, 'bits', 2, '0: one note, 3.585: all twelve alike'),
    row('repetition', structure?.repetition, '', 2, 'likeness to itself later, 0 to 1; chance 0.14'),
    row('repetition lag', structure?.repetitionLag, 's', 0, 'after how long'),
    row('section changes', structure?.noveltyPeaksPerMinute, '/min', 1, 'moments where harmony and sound change together'),
    row('structure 3-8 s', structure?.structureness.short, '', 2, 'how well pieces of that length recur; 0 where the clip is too short'),
    row('structure 8-15 s', structure?.structureness.medium),
    row('structure 15 s and more', structure?.structureness.long),
    ...report.hopBuzz.map(({ period, value }) => row(`buzz at ${period} samples`, value, '', 3)),
    ...report.seams.flatMap(({ position, jump, spectralStepDb, typicalStepDb }) => [
      row(`seam at ${position}, jump`, jump),
      row(`seam at ${position}, spectral step over typical`, spectralStepDb - typicalStepDb, 'dB', 1),
    ]),
  ];
}

function row(name: string, value: number | undefined, unit = '', digits = 2, note?: string): Row {
  return { name, value, unit, digits, ...(note !== undefined && { note }) };
}

function share(name: string, value: number | undefined, note?: string): Row {
  return row(name, value === undefined ? undefined : 100 * value, '%', 1, note);
}

/** "Music" is the corpus of rendered pieces that melody-small was trained on, medians; chance is noise of the same spectra. */
function toneRows({ latticeShare, cents, inTune, reference, haze, bassShare }: Tones): Row[] {
  return [
    share('tones on the frame rate', latticeShare, 'tones that a decoder snaps to multiples of its frame rate; music 3, chance 4'),
    row('out of tune by', cents, 'cents', 1, "from the clip's own semitones, 150 to 1000 Hz; music 6, chance 18"),
    share('in tune', inTune, 'tones within 15 cents of a semitone; music 78, chance 43'),
    row('tuned to', reference, 'Hz', 1, "the clip's own A, between 427.5 and 452.9"),
    row('partials over valleys, 0.2-1 kHz', haze.low, 'dB', 1, 'low: haze between the tones'),
    row('partials over valleys, 1-4 kHz', haze.middle, 'dB', 1),
    row('partials over valleys, 4-10 kHz', haze.high, 'dB', 1, 'music 7, noise 6; high: cymbals that whistle'),
    share('bass', bassShare, 'energy below 250 Hz; music about 50'),
  ];
}

function envelopeRows({ ripple, buzz, attack, drumStrokes }: Envelopes): Row[] {
  return [
    row('ripple within a frame', ripple, 'dB', 2, 'level over the place within a decoder frame; music 0.6, chance 0.5'),
    row('buzz at the frame rate', buzz?.once, 'dB', 1, 'modulation over that at neighbouring rates; music -1'),
    row('buzz at twice that', buzz?.twice, 'dB', 1),
    row('attack, median', attack?.median, 'ms', 1, 'rise of a stroke from a fifth to four fifths; music 15'),
    row('attack, fastest quarter', attack?.fastest, 'ms', 1),
    row('strokes above 8 kHz', drumStrokes, '/s', 1, 'hats, snares, cymbals: drums from 0.5'),
  ];
}

/** Rows of a clip beside the recording that it is a copy of. */
export function keptRows({ all, bass, middle, true: right }: LinesKept): Row[] {
  return [
    share('tones kept of the source', all, 'its 20 strongest each second, met within 15 cents; noise of its spectrum 30'),
    share('tones kept below 260 Hz', bass, 'noise of its spectrum 9'),
    share('tones kept, 260-1000 Hz', middle),
    share('tones that the source has', right, 'of the strongest tones of the clip'),
  ];
}

export interface Band {
  low: number;
  high: number;
  /** Clips that had this measure. */
  count: number;
}

/** Fewest clips that make a band. */
export const MIN_BAND = 5;

/** 5th to 95th percentile of each measure over reference clips; measures that fewer than 5 clips have are left out. */
export function bands(reports: ClipReport[]): Map<string, Band> {
  const values = new Map<string, number[]>();
  for (const { name, value } of reports.flatMap(rows)) {
    if (value !== undefined && Number.isFinite(value)) values.set(name, [...(values.get(name) ?? []), value]);
  }
  return new Map(
    [...values]
      .filter(([, list]) => list.length >= MIN_BAND)
      .map(([name, list]) => {
        const sorted = list.sort((a, b) => a - b);
        return [name, { low: percentile(sorted, 0.05), high: percentile(sorted, 0.95), count: sorted.length }];
      }),
  );
}

/** A value with its unit, such as "-15.2 LUFS"; a dash for none. */
export function format({ value, unit, digits }: Pick<Row, 'value' | 'unit' | 'digits'>): string {
  if (value === undefined) return '-';
  const shown = Number.isFinite(value) ? value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1') : value > 0 ? 'inf' : '-inf';
  return unit ? `${shown} ${unit}` : shown;
}
