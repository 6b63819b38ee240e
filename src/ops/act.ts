// Activations as the kernels number them (kernels/lib/act.wgsl).

/** gelu uses erf; gelu_tanh its usual approximation; leaky_relu has slope 0.1; elu is e^x − 1 below zero. */
export type Act = 'none' | 'gelu' | 'gelu_tanh' | 'silu' | 'relu' | 'leaky_relu' | 'tanh' | 'sigmoid' | 'exp' | 'elu';

export const ACT: { readonly [A in Act]: number } = {
  none: 0,
  gelu: 1,
  gelu_tanh: 2,
  silu: 3,
  relu: 4,
  leaky_relu: 5,
  tanh: 6,
  sigmoid: 7,
  exp: 8,
  elu: 9,
};
