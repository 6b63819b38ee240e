// sample_token: id ~ softmax(logits / temperature) restricted to the top k and the top-p nucleus
//
// logits [vocab], vocab ≤ 2048, or [2, vocab] when GUIDED: guidance * the first row + rest * the second
// exp2_table [257]: round(2^20 · 2^(-i/256))        id [1]
// unit   all of it
//
// Logits are rounded to steps of 2^-12 nat; from there on all is integer arithmetic, so equal logits give equal tokens on every
// device, and src/ops/sample.ts repeats the steps in TypeScript.
import { draw, drawRoom, steps } from './lib/draw';
import { sample_token as p } from './params.gen';

export function sample_token_units(_c: usize): u32 {
  return 1;
}

export function sample_token(c: usize, from: u32, to: u32): void {
  if (from == to) return;
  const logits = p.logits(c);
  const bytes = (<usize>p.vocab(c)) << 2;
  for (let i: usize = 0; i < bytes; i += 4) {
    let logit = load<f32>(logits + i);
    if (p.GUIDED(c) != 0) logit = logit * p.guidance(c) + load<f32>(logits + bytes + i) * p.rest(c);
    store<i32>(drawRoom() + i, steps(logit));
  }
  const token = draw(p.vocab(c), p.top_k(c), p.top_p(c), p.rate(c), p.exp2_table(c), p.position(c), p.stream(c), p.seed_low(c), p.seed_high(c));
  store<u32>(p.id(c) + ((<usize>p.at(c)) << 2), token);
}
