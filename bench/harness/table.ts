// Rows of a comparison: one line a case, one column an engine, and the ratio that counts.
import { layout } from '../../src/cli/bench/report.ts';
import { geometricMean, type Summary } from '../../src/cli/bench/stats.ts';

/** One engine's variant on one case. */
export interface Measured {
  case: string;
  engine: string;
  variant: string;
  storage: 'f32' | 'f16';
  ok: boolean;
  nmse: number | null;
  maxAbs: number | null;
  error?: string | undefined;
  coldMs: number;
  wallMs?: Summary | undefined;
  /** Median over rounds of the process's CPU time per run. */
  cpuMs?: number | undefined;
  /** Cores that other programs kept busy while this case was measured. */
  otherCores?: number | undefined;
}

export type Measure = 'best' | 'median' | 'cpu';

export function value(row: Measured, measure: Measure): number {
  if (!row.ok || !row.wallMs) return Number.NaN;
  return measure === 'cpu' ? (row.cpuMs as number) : row.wallMs[measure];
}

/** The quickest right variant of these rows. */
export function quickest(rows: readonly Measured[], measure: Measure): Measured | undefined {
  return rows.filter((r) => !Number.isNaN(value(r, measure))).sort((a, b) => value(a, measure) - value(b, measure))[0];
}

/** How many times faster than the best rival ours is on each case (over 1: faster), where both gave a right result. */
export function ratios(rows: readonly Measured[], ours: string, rivals: readonly string[], measure: Measure): Map<string, number> {
  const out = new Map<string, number>();
  for (const name of new Set(rows.map((r) => r.case))) {
    const here = rows.filter((r) => r.case === name);
    const own = quickest(
      here.filter((r) => r.engine === ours),
      measure,
    );
    const rival = quickest(
      here.filter((r) => rivals.includes(r.engine)),
      measure,
    );
    if (own && rival) out.set(name, value(rival, measure) / value(own, measure));
  }
  return out;
}

const digits = (x: number) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));

/** A cell: the quickest right variant, else what went wrong. */
function cell(rows: readonly Measured[], measure: Measure): string {
  const top = quickest(rows, measure);
  if (top) return digits(value(top, measure));
  const wrong = rows.find((r) => r.nmse !== null && !r.ok);
  if (wrong) return `WRONG ${(wrong.nmse as number).toExponential(0)}`;
  return rows.length ? 'failed' : '-';
}

/** The table of one measure, with the ratio columns of every engine in `ours` that was measured. */
export function comparisonTable(
  rows: readonly Measured[],
  engines: readonly string[],
  ours: readonly string[],
  rivals: readonly string[],
  measure: Measure,
): string {
  const own = ours.filter((o) => engines.includes(o));
  const ratioOf = new Map(own.map((o) => [o, ratios(rows, o, rivals, measure)]));
  const lines = [['case', ...engines, ...own.map((o) => `best peer / ${o}`)]];
  for (const name of new Set(rows.map((r) => r.case))) {
    const here = rows.filter((r) => r.case === name);
    lines.push([
      name,
      ...engines.map((e) =>
        cell(
          here.filter((r) => r.engine === e),
          measure,
        ),
      ),
      ...own.map((o) => ratioOf.get(o)?.get(name)?.toFixed(2) ?? '-'),
    ]);
  }
  if (own.length) {
    const mean = (o: string) => {
      const all = [...(ratioOf.get(o)?.values() ?? [])];
      return all.length ? geometricMean(all).toFixed(2) : '-';
    };
    lines.push(['geometric mean', ...engines.map(() => ''), ...own.map(mean)]);
  }
  return layout(lines);
}
