// Activations shared by every epilogue; the codes are those of src/ops/act.ts. `kind` is a pipeline constant: one branch survives.

// erf by Abramowitz & Stegun 7.1.26: absolute error under 2e-7
fn erf4(v: vec4f) -> vec4f {
  let a = abs(v);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sign(v) * (1.0 - poly * exp(-min(a * a, vec4f(80.0))));
}

// tanh and exp overflow on some drivers: their arguments are clamped to where f32 results are already saturated
fn tanh4(v: vec4f) -> vec4f { return tanh(clamp(v, vec4f(-10.0), vec4f(10.0))); }

fn sigmoid4(v: vec4f) -> vec4f { return 1.0 / (1.0 + exp(-clamp(v, vec4f(-80.0), vec4f(80.0)))); }

fn act4(kind: u32, v: vec4f) -> vec4f {
  if (kind == 1u) { return 0.5 * v * (1.0 + erf4(v * 0.70710678)); }                              // gelu
  if (kind == 2u) { return 0.5 * v * (1.0 + tanh4(0.79788456 * (v + 0.044715 * v * v * v))); }    // gelu_tanh
  if (kind == 3u) { return v * sigmoid4(v); }                                                     // silu
  if (kind == 4u) { return max(v, vec4f(0.0)); }                                                  // relu
  if (kind == 5u) { return select(0.1 * v, v, v > vec4f(0.0)); }                                  // leaky_relu
  if (kind == 6u) { return tanh4(v); }                                                            // tanh
  if (kind == 7u) { return sigmoid4(v); }                                                         // sigmoid
  if (kind == 8u) { return exp(v); }                                                              // exp
  if (kind == 9u) { return select(exp(min(v, vec4f(0.0))) - 1.0, v, v > vec4f(0.0)); }            // elu
  return v;
}

fn act1(kind: u32, v: f32) -> f32 { return act4(kind, vec4f(v)).x; }
