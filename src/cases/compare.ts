// Is an output right? One measure for first load, `melody doctor`, bench and tests.

/** How far an output is from its f64 reference. */
export interface Misfit {
  /** Σ(y−r)² / Σr², the normalised mean square error; Σy² where r is zero everywhere. */
  nmse: number;
  maxAbs: number;
  ok: boolean;
}

/** Largest NMSE a result may show and still be called right: f32 storage, and f16 storage against equally rounded weights. */
export const NMSE_LIMIT = { f32: 1e-7, f16: 1e-6 } as const;

/** Compare an output with its reference. A wrong length or any non-finite value is a misfit of NaN, never `ok`. */
export function compareWithReference(output: ArrayLike<number>, reference: ArrayLike<number>, limit: number): Misfit {
  if (output.length !== reference.length) return { nmse: Number.NaN, maxAbs: Number.NaN, ok: false };
  let error = 0;
  let energy = 0;
  let maxAbs = 0;
  for (let i = 0; i < reference.length; i++) {
    const d = output[i] - reference[i];
    error += d * d;
    energy += reference[i] * reference[i];
    maxAbs = Math.max(maxAbs, Math.abs(d));
  }
  const nmse = energy === 0 ? error : error / energy; // a result that should be zero everywhere has no scale of its own
  return { nmse, maxAbs, ok: nmse <= limit };
}
