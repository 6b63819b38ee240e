/** A clip's report as named numbers: for tables, and for bands of real music to hold a clip against. */
import { percentile } from './loudness.ts';
import type { ClipReport } from './measure.ts';

export interface Row {
  name: string;
  /** Undefined where the clip has no such measure: too short, mono, nothing asked. */
  value: number | undefined;
  unit: string;
  digits: number;
}

/** The scalar measures of a report, in the order of a table. Key and other words are not among them. */
export function rows(report: ClipReport): Row[] {
  const { level, clipping, silence, spectrum, loudness, stereo, rhythm, tonality, structure } = report;
  const row = (name: string, value: number | undefined, unit = '', digits = 2): Row => ({ name, value, unit, digits });
  const share = (name: string, value: number | undefined) => row(name, value === undefined ? undefined : 100 * value, '%', 1);
  return [
    row('loudness', loudness.integrated, 'LUFS', 1),
    row('loudness range', loudness.range, 'LU', 1),
    row('loudness drift', loudness.drift, 'LU/min', 1),
    row('sample peak', level.samplePeakDb, 'dBFS', 1),
    row('true peak', level.truePeakDb, 'dBTP', 1),
    row('crest', level.crestDb, 'dB', 1),
    row('DC', level.dc, '', 5),
    row('clipped', 100 * clipping.share, '%', 3),
    row('clipped, worst second', 100 * clipping.worstSecond, '%', 3),
    share('silence', silence.share),
    row('longest gap', silence.longestGap, 's'),
    row('stereo correlation', stereo?.correlation),
    row('side to mid', stereo?.sideToMid),
    row('mono fold', stereo?.monoFoldDb, 'dB', 1),
    row('flatness', spectrum.flatness, '', 3),
    row('bandwidth', spectrum.bandwidth, 'Hz', 0),
    row('85 % roll-off', spectrum.rolloff85, 'Hz', 0),
    row('centroid', spectrum.centroid, 'Hz', 0),
    row('tempo', rhythm.tempo, 'BPM', 1),
    row('pulse clarity', rhythm.pulseClarity),
    share('steady tempo', rhythm.stability?.share),
    row('tempo variation', rhythm.stability && 100 * rhythm.stability.variation, '%', 1),
    row('groove similarity', rhythm.groove),
    row('key clarity', tonality?.key.clarity),
    row('key margin', tonality?.key.margin),
    row('key stability', tonality?.keyStability),
    row('chroma consistency', tonality?.chromaConsistency),
    row('chroma to mean', tonality?.chromaToMean),
    row('harmonic change', tonality?.harmonicChange),
    row('pitch-class entropy', tonality?.pitchClassEntropy, 'bits'),
    row('repetition', structure?.repetition),
    row('repetition lag', structure?.repetitionLag, 's', 0),
    row('section changes', structure?.noveltyPeaksPerMinute, '/min', 1),
    row('structure 3-8 s', structure?.structureness.short),
    row('structure 8-15 s', structure?.structureness.medium),
    row('structure 15 s and more', structure?.structureness.long),
    ...report.hopBuzz.map(({ period, value }) => row(`buzz at ${period} samples`, value, '', 3)),
    ...report.seams.flatMap(({ position, jump, spectralStepDb, typicalStepDb }) => [
      row(`seam at ${position}, jump`, jump),
      row(`seam at ${position}, spectral step over typical`, spectralStepDb - typicalStepDb, 'dB', 1),
    ]),
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
