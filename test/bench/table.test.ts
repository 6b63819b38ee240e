import { describe, expect, it } from 'vitest';
import { comparisonTable, type Measured, quickest, ratios } from '../../bench/harness/table.ts';

const row = (name: string, engine: string, ms: number, more: Partial<Measured> = {}): Measured => ({
  case: name,
  engine,
  variant: 'v',
  storage: 'f32',
  ok: true,
  nmse: 1e-13,
  maxAbs: 1e-6,
  coldMs: 1,
  wallMs: { n: 3, best: ms, median: 2 * ms, p90: 3 * ms },
  cpuMs: 4 * ms,
  ...more,
});
const wrong = { ok: false, nmse: 2e-3, wallMs: undefined };

describe('ratios between engines', () => {
  const rows = [
    row('a', 'ours', 10),
    row('a', 'x', 30),
    row('a', 'x', 20, { variant: 'jit' }),
    row('a', 'y', 5, wrong), // quick and wrong does not count
    row('b', 'ours', 8),
    row('b', 'y', 4),
    row('c', 'ours', 1, wrong),
    row('c', 'x', 1),
    row('a', 'cpu', 1), // not a rival
  ];

  it('are of the quickest right variants, best rival over ours', () => {
    expect(
      quickest(
        rows.filter((r) => r.case === 'a' && r.engine === 'x'),
        'best',
      )?.variant,
    ).toBe('jit');
    expect([...ratios(rows, 'ours', ['x', 'y'], 'best')]).toEqual([
      ['a', 2],
      ['b', 0.5],
    ]);
  });

  it('are shown with wrong results as wrong, and their geometric mean', () => {
    const lines = comparisonTable(rows, ['ours', 'x', 'y', 'cpu'], ['ours'], ['x', 'y'], 'median').split('\n');
    expect(lines.map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['case', 'ours', 'x', 'y', 'cpu', 'best peer / ours'],
      ['a', '20.0', '40.0', 'WRONG 2e-3', '2.00', '2.00'],
      ['b', '16.0', '-', '8.00', '-', '0.50'],
      ['c', 'WRONG 2e-3', '2.00', '-', '-', '-'],
      ['geometric mean', '1.00'],
    ]);
  });
});
