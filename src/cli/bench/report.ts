// Rows as a table for people and as JSON lines for machines, and the comparison of two such files.

import { readFileSync } from 'node:fs';
import { MelodyError } from '../../errors.ts';
import { widthsOf } from '../command.ts';
import type { Ceilings } from './ceilings.ts';
import { geometricMean, type Summary } from './stats.ts';

/** The first line of a result: what was measured on. */
export interface MachineFacts {
  type: 'machine';
  date: string;
  version: string;
  node: string;
  cpu: string;
  cores: number;
  adapter: string;
  ceilings: Ceilings;
}

/** One kernel on one shape. */
export interface Row {
  type: 'kernel';
  case: string;
  storage: 'f32' | 'f16';
  /** Null: there was no reference to check against. */
  ok: boolean | null;
  nmse: number | null;
  dispatches: number;
  /** Compilation and first run, ms. */
  coldMs: number;
  wallMs?: Summary | undefined;
  /** GPU time of the dispatches by timestamps, median, ms. */
  gpuMs?: number | undefined;
  cpuMs?: number | undefined;
  flops: number;
  bytes: number;
  /** Cores that other programs kept busy meanwhile. */
  otherCores?: number | undefined;
  error?: string | undefined;
}

export const rowKey = (row: Pick<Row, 'case' | 'storage'>): string => `${row.case}.${row.storage}`;

const short = (x: number | undefined) =>
  x === undefined || Number.isNaN(x) ? '-' : x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x >= 0.1 ? x.toFixed(2) : x.toFixed(3);
const share = (x: number) => `${(100 * x).toFixed(0)}%`;

/** Columns padded to their widest cell; the first to the left, the others to the right. */
export function layout(lines: readonly (readonly string[])[]): string {
  const widths = widthsOf(lines);
  return lines
    .map((line) =>
      line
        .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Rates are of the GPU's own time where it reports that, else of the wall median; shares are of this adapter's measured ceilings. */
export function kernelTable(rows: readonly Row[], { copyGBs, fmaGflops }: Ceilings): string {
  const head = [
    'kernel',
    'check',
    'best ms',
    'median',
    'p90',
    'GPU ms',
    'CPU ms',
    'GFLOP/s',
    'of FMA',
    'GB/s',
    'of copy',
    'launches',
    'cold ms',
  ];
  const lines = rows.map((row) => {
    const check = row.error ? 'error' : row.ok === null ? 'none' : `${row.ok ? 'ok' : 'WRONG'} ${row.nmse?.toExponential(0)}`;
    const name = rowKey(row);
    if (!row.wallMs) return [name, check, ...head.slice(2, -2).map(() => '-'), String(row.dispatches || '-'), short(row.coldMs)];
    const { best, median, p90 } = row.wallMs;
    const ms = row.gpuMs || median; // 0: too short for its clock
    const gflops = row.flops / ms / 1e6;
    const gbs = row.bytes / ms / 1e6;
    const rates = [short(gflops), share(gflops / fmaGflops), short(gbs), share(gbs / copyGBs)];
    const times = [short(best), short(median), short(p90), short(row.gpuMs), short(row.cpuMs)];
    return [name, check, ...times, ...rates, String(row.dispatches), short(row.coldMs)];
  });
  return layout([head, ...lines]);
}

export function toJsonLines(machine: MachineFacts, rows: readonly Row[]): string {
  return `${[machine, ...rows].map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** Read an earlier result. Throws `io` or `invalid_argument`, naming the line. */
export function readJsonLines(path: string): { machine: MachineFacts; rows: Row[] } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MelodyError('io', `${path}: cannot be read: ${(cause as Error).message}`, 'give a file written by `melody bench --json`', {
      cause,
    });
  }
  const lines = text.split('\n').flatMap((line, i) => {
    if (!line.trim()) return [];
    try {
      return [JSON.parse(line) as MachineFacts | Row];
    } catch (cause) {
      throw new MelodyError('invalid_argument', `${path}: line ${i + 1} is not JSON`, 'give a file written by `melody bench --json`', {
        cause,
      });
    }
  });
  const machine = lines.find((line) => line?.type === 'machine');
  const rows = lines.filter((line) => line?.type === 'kernel');
  if (!machine || rows.length === 0)
    throw new MelodyError('invalid_argument', `${path}: no machine or kernel line`, 'give a file written by `melody bench --json`');
  return { machine, rows };
}

/** One case against its earlier row: old / new of the wall medians and of the CPU times, which move less on a shared machine. */
export interface Comparison {
  type: 'compare';
  case: string;
  storage: Row['storage'];
  oldMs: number;
  newMs: number;
  wall: number;
  cpu: number;
  /** By the spreads (best to p90), since on a shared machine medians move by themselves. */
  verdict: 'faster' | 'SLOWER' | 'within the spread';
}

/** The cases that both have, in the order of the new. */
export function compareRows(old: readonly Row[], now: readonly Row[]): Comparison[] {
  const before = new Map(old.map((row) => [rowKey(row), row]));
  return now.flatMap((row) => {
    const was = before.get(rowKey(row));
    if (!was?.wallMs || !row.wallMs || !was.cpuMs || !row.cpuMs) return [];
    const [oldMs, newMs] = [was.wallMs.median, row.wallMs.median];
    const verdict = row.wallMs.p90 < was.wallMs.best ? 'faster' : row.wallMs.best > was.wallMs.p90 ? 'SLOWER' : 'within the spread';
    return [
      { type: 'compare', case: row.case, storage: row.storage, oldMs, newMs, wall: oldMs / newMs, cpu: was.cpuMs / row.cpuMs, verdict },
    ];
  });
}

const means = (rows: readonly Comparison[]) => ({
  wall: geometricMean(rows.map(({ wall }) => wall)),
  cpu: geometricMean(rows.map(({ cpu }) => cpu)),
});

export function compareTable(rows: readonly Comparison[]): string {
  if (rows.length === 0) return 'no case in common with the earlier result';
  const lines = rows.map((row) => {
    const ratios = [row.wall, row.cpu].map((ratio) => ratio.toFixed(2));
    return [rowKey(row), short(row.oldMs), short(row.newMs), ...ratios, row.verdict];
  });
  const { wall, cpu } = means(rows);
  return layout([
    ['kernel', 'old median ms', 'new', 'old / new', 'of CPU ms', ''],
    ...lines,
    ['geometric mean', '', '', wall.toFixed(2), cpu.toFixed(2), ''],
  ]);
}

/** What the table says, for machines: a line a case, then one of type "compare_mean" that also says against what. */
export function compareLines({ date, adapter }: MachineFacts, rows: readonly Comparison[]): string {
  const mean = { type: 'compare_mean', date, adapter, cases: rows.length, ...(rows.length > 0 && means(rows)) };
  return [...rows, mean].map((line) => `${JSON.stringify(line)}\n`).join('');
}
