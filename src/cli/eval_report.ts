// What melody eval prints of measured clips: a table of each, measures of several together, JSON.
import type { ClipReport } from '../audio/measure.ts';
import { defaultShrink, fitGaussian, frechetDistance } from '../audio/measures/frechet.ts';
import type { LinesKept } from '../audio/measures/lines_kept.ts';
import { diversity } from '../audio/measures/timbre.ts';
import { type Band, format, keptRows, type Row, rows } from '../audio/report.ts';
import type { MelodyError } from '../errors.ts';
import { printableText } from '../weights/printable.ts';

export interface Measured {
  file: string;
  /** Of a file too long to be measured at once: which part of it, seconds. */
  part?: { start: number; end: number } | undefined;
  report: ClipReport;
  /** Oddities of the file itself. */
  warnings: string[];
  /** Cosine of prompt and clip, where a model listened. */
  agreement?: number | undefined;
  /** Present with --source. */
  kept?: LinesKept | undefined;
}

export interface Failed {
  file: string;
  error: MelodyError;
}

/** Measures of several clips together. */
interface Together {
  clips: number;
  diversity: number;
  /** Present with a reference. */
  descriptorDistance?: number;
  references?: number;
}

export function comparison(measured: Measured[], references: Measured[]): Together | undefined {
  if (measured.length < 2) return undefined;
  const vectors = measured.map((r) => r.report.descriptor);
  const together = { clips: vectors.length, diversity: diversity(vectors) };
  if (references.length === 0) return together;
  const others = references.map((r) => r.report.descriptor);
  const gaussian = (list: number[][]) => fitGaussian(list, defaultShrink(list.length, vectors[0]?.length ?? 0));
  return { ...together, descriptorDistance: frechetDistance(gaussian(vectors), gaussian(others)), references: others.length };
}

export function summaryLines({ clips, diversity: spread, descriptorDistance, references }: Together): string[] {
  const lines = [`${clips} clips: mean pairwise distance of hand-made descriptors ${spread.toFixed(2)}`];
  if (descriptorDistance === undefined) return lines;
  return [
    ...lines,
    `Fréchet distance of hand-made descriptors to ${references} reference clips ${descriptorDistance.toFixed(2)} (this is not FAD)`,
  ];
}

export function asJson(results: (Measured | Failed)[], band: Map<string, Band>, together: Together | undefined): unknown {
  const clips = results.map((result) => {
    if ('error' in result) return { file: result.file, error: { code: result.error.code, message: result.error.message } };
    const { agreement } = result;
    const listed = rowsOf(result).map(({ name, value }) => [name, value] as const);
    const measures = Object.fromEntries(agreement === undefined ? listed : [...listed, ['agreement', agreement]]);
    const { part } = result;
    return {
      file: result.file,
      ...(part && { part }),
      warnings: result.warnings,
      suspect: result.report.suspect,
      measures,
      report: result.report,
    };
  });
  return { clips, ...(band.size > 0 && { band: Object.fromEntries(band) }), ...(together && { together }) };
}

/** The file, and of a part where it lies: "song.wav 10:00-20:00". */
export function nameOf({ file, part }: Pick<Measured, 'file' | 'part'>): string {
  const time = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
  return part ? `${file} ${time(part.start)}-${time(part.end)}` : file;
}

function rowsOf({ report, kept }: Measured): Row[] {
  return [...rows(report), ...(kept ? keptRows(kept) : [])];
}

export function table(clip: Measured, band: Map<string, Band>, asked: number | undefined): string {
  const { report, warnings, agreement } = clip;
  const channels = report.channels === 1 ? 'mono' : report.channels === 2 ? 'stereo' : `${report.channels} channels`;
  const lines = [`${printableText(nameOf(clip))}: ${report.duration.toFixed(2)} s, ${report.sampleRate} Hz, ${channels}`];
  const listed = rowsOf(clip).filter(({ value }) => value !== undefined);
  const names = Math.max(...listed.map(({ name }) => name.length));
  for (const row of listed) {
    const known = band.get(row.name);
    const line = `  ${row.name.padEnd(names)}  ${format(row).padStart(13)}`;
    const held = known ? `${line}   ${place(row.value as number, known)}  ${range(row.digits, known)}` : line;
    lines.push(row.note === undefined ? held : `${held.padEnd(names + 17)}   ${row.note}`);
  }
  const key = report.tonality?.key;
  if (key) lines.push(`  ${'key'.padEnd(names)}  ${key.name.padStart(13)}${key.clear ? '' : '   not clear'}`);
  if (agreement !== undefined) lines.push(`  ${'text-audio agreement'.padEnd(names)}  ${agreement.toFixed(3).padStart(13)}`);
  if (report.rhythm.adherence) {
    const { strict, folded } = report.rhythm.adherence;
    lines.push(`  tempo asked ${asked} BPM: ${strict ? 'kept within 4 %' : folded ? 'kept up to a factor of two' : 'not kept'}`);
  }
  lines.push(...warnings.map((text) => `  file: ${printableText(text)}`), ...report.suspect.map((text) => `  SUSPECT ${text}`), '');
  return `${lines.join('\n')}\n`;
}

function place(value: number, { low, high }: Band): string {
  return value < low ? 'below' : value > high ? 'above' : 'in   ';
}

function range(digits: number, { low, high }: Band): string {
  return `${format({ value: low, unit: '', digits })} … ${format({ value: high, unit: '', digits })}`;
}
