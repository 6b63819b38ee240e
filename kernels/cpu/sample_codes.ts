// sample_codes: id[r] ~ softmax(guided logits of row r / temperature), the top k and the top-p nucleus of it; pad where row r has no frame
//
// logits [1 or 2, rows, vocab], vocab ≤ 2048: those of a condition, and behind them at null_at those of none (0: there are none)
//        guided = none + guidance · (condition − none)
// id     [rows] at `at`; the first `known` of the frames are there and stay
// unit   a row
import { draw, drawRoom, steps } from './lib/draw';
import { sample_codes as p } from './params.gen';

export function sample_codes_units(c: usize): u32 {
  return p.rows(c);
}

export function sample_codes(c: usize, from: u32, to: u32): void {
  const vocab = p.vocab(c);
  const none = (<usize>p.null_at(c)) << 2;
  const guidance = p.guidance(c);
  const unit: f32 = p.top_k(c) == 1 ? 1048576 : 4096; // the likeliest alone: nearly equal ones are told apart
  for (let row = from; row < to; row++) {
    const frame = p.column(c) - (row >> p.shift(c)); // before its first frame the difference wraps around
    if (frame < p.known(c) && frame < p.frames(c)) continue;
    let token = p.pad(c);
    if (frame < p.frames(c)) {
      const logits = p.logits(c) + ((<usize>(row * vocab)) << 2);
      for (let i: usize = 0; i < (<usize>vocab) << 2; i += 4) {
        let logit = load<f32>(logits + i);
        if (none != 0) {
          const without = load<f32>(logits + none + i);
          logit = without + guidance * (logit - without);
        }
        store<i32>(drawRoom() + i, steps(logit, unit));
      }
      token = draw(vocab, p.top_k(c), p.top_p(c), p.rate(c), p.exp2_table(c), p.position(c) + row, p.stream(c), p.seed_low(c), p.seed_high(c));
    }
    store<u32>(p.id(c) + ((<usize>(p.at(c) + row)) << 2), token);
  }
}
