// What every thread of the pool runs: jobs in order of their numbers, a plan's commands in order of the list, a meeting after each command.
//
// Control block: words that threads and host share, each on a cache line of its own, then the ring of jobs. src/cpu/layout.ts has the same
// numbers. A command is a run of words: function, cost, then what params.gen.ts names.
import { run, unitsOf } from './index.gen';
import { pack } from './lib/pack';
import { setScratch } from './lib/scratch';
import { setRelaxed } from './lib/tiles';

/** Tells the host that jobs before this number are done. */
@external('env', 'report')
declare function report(done: u32): void;
/** Milliseconds, for profiles. */
@external('env', 'now')
declare function now(): f64;

const CONTROL: usize = 1024;
const POSTED: usize = CONTROL; // jobs that the host has posted
const DONE: usize = CONTROL + 64; // jobs that are over
const STOP: usize = CONTROL + 128; // not 0: threads leave
const ROUND: usize = CONTROL + 192; // meetings so far
const ARRIVED: usize = CONTROL + 256; // threads at this meeting
const SLEEPERS: usize = CONTROL + 320; // threads asleep at meetings
const CLAIMED: usize = CONTROL + 384; // units of this command that a thread has taken
const PAGES: usize = CONTROL + 576; // of memory, as the host has last seen it grow
const CUT: usize = CONTROL + 512; // set at a meeting: the job ends here
const RING: usize = CONTROL + 1024;
const RING_JOBS: u32 = 256;
const JOB_BYTES: usize = 64;
const CANCELLED: usize = 36; // of a job
const RELAXED: usize = 40; // not 0: products by the relaxed module

// A job is its kind and ten words: four of its own, whether to report its end, then scratch of all threads, bytes of each, times, whether it
// was cancelled (a plan then ends at its next command), and whether its products may be relaxed.
const RUN: u32 = 1; // commands, count, patches, patch count
const COPY: u32 = 2; // to, from, bytes
const FILL: u32 = 3; // to, word, words
const PACK: u32 = 5; // description, see lib/pack.ts

/** Looks before a thread goes to sleep: some 20 µs, longer than any share of small work differs. */
const LOOKS = 50_000;
/** Thousands of operations from which on threads take units as they come, so that one that is slowed down does less. */
const LARGE: u32 = 2_000;

let self: u32 = 0;
let threads: u32 = 1;

/** The loop of one thread of the pool; comes back when the pool stops. */
export function work(thread: u32, count: u32): void {
  self = thread;
  threads = count;
  for (let next: u32 = 0; ; next++) {
    waitFor(next);
    if (atomic.load<u32>(STOP) != 0) return;
    // An engine may tell this thread of grown memory later than of the job that needs it: bulk copies then fault. Calls out make it hear.
    while (<u32>memory.size() < atomic.load<u32>(PAGES)) now();
    const job = RING + <usize>(next % RING_JOBS) * JOB_BYTES;
    const tell = load<u32>(job, 20);
    const kind = load<u32>(job);
    if (kind == RUN) runPlan(job);
    else if (kind == PACK) pack(load<u32>(job, 4), self, threads);
    else if (self == 0) {
      if (kind == COPY) memory.copy(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
      else if (kind == FILL) fillWords(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
    }
    meet(job);
    if (self == 0) {
      atomic.store<u32>(DONE, next + 1);
      if (tell != 0) report(next + 1);
    }
  }
}

/** The same job on the thread that calls, commands `from` … `to` of it: where memory cannot be shared. */
export function step(job: usize, from: u32, to: u32): void {
  const kind = load<u32>(job);
  if (kind == COPY) memory.copy(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
  else if (kind == FILL) fillWords(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
  else if (kind == PACK) pack(load<u32>(job, 4), from, load<u32>(job, 8));
  if (kind != RUN || load<u32>(job, CANCELLED) != 0) return;
  if (from == 0) patch(job);
  setScratch(load<u32>(job, 24));
  setRelaxed(load<u32>(job, RELAXED));
  const commands = load<u32>(job, 4);
  for (let i = from; i < min(to, load<u32>(job, 8)); i++) {
    const c = <usize>load<u32>(commands + ((<usize>i) << 2));
    const code = load<u32>(c);
    run(code, c, 0, unitsOf(code, c));
    const times = load<u32>(job, 32);
    if (times != 0) store<f64>(times + ((<usize>i) << 3), now());
  }
}

function runPlan(job: usize): void {
  const commands = load<u32>(job, 4);
  const count = load<u32>(job, 8);
  const times = load<u32>(job, 32);
  setScratch(<usize>load<u32>(job, 24) + <usize>self * <usize>load<u32>(job, 28));
  setRelaxed(load<u32>(job, RELAXED));
  if (load<u32>(job, 16) != 0) {
    if (self == 0) patch(job);
    meet(job);
  }
  for (let i: u32 = 0; i < count; i++) {
    const c = <usize>load<u32>(commands + ((<usize>i) << 2));
    const code = load<u32>(c);
    const units = unitsOf(code, c);
    if (threads == 1) run(code, c, 0, units);
    else if (load<u32>(c, 4) < LARGE || units < 2 * threads) {
      const from = <u32>((<u64>units * <u64>self) / threads);
      const to = <u32>((<u64>units * <u64>(self + 1)) / threads);
      if (from < to) run(code, c, from, to);
    } else {
      const chunk = max(1, units / (8 * threads));
      for (let from = atomic.add<u32>(CLAIMED, chunk); from < units; from = atomic.add<u32>(CLAIMED, chunk))
        run(code, c, from, min(from + chunk, units));
    }
    meet(job);
    if (times != 0 && self == 0) store<f64>(times + ((<usize>i) << 3), now());
    if (atomic.load<u32>(CUT) != 0) return;
  }
}

/** Numbers given at run time: pairs of address and word. */
function patch(job: usize): void {
  const patches = load<u32>(job, 12);
  const count = load<u32>(job, 16);
  for (let i: u32 = 0; i < count; i++) store<u32>(load<u32>(patches + ((<usize>i) << 3)), load<u32>(patches + ((<usize>i) << 3), 4));
}

function fillWords(to: usize, word: u32, words: u32): void {
  for (let i: u32 = 0; i < words; i++) store<u32>(to + ((<usize>i) << 2), word);
}

/** Until job `next` is posted or the pool stops. */
function waitFor(next: u32): void {
  let looks = LOOKS;
  while (atomic.load<u32>(POSTED) == next && atomic.load<u32>(STOP) == 0) if (--looks <= 0) atomic.wait<u32>(POSTED, next, -1);
}

/** All threads meet; the last to come opens the next round. */
function meet(job: usize): void {
  if (threads == 1) {
    atomic.store<u32>(CUT, atomic.load<u32>(job, CANCELLED));
    return;
  }
  const round = atomic.load<u32>(ROUND);
  if (atomic.add<u32>(ARRIVED, 1) == threads - 1) {
    atomic.store<u32>(ARRIVED, 0);
    atomic.store<u32>(CLAIMED, 0);
    atomic.store<u32>(CUT, atomic.load<u32>(job, CANCELLED));
    atomic.store<u32>(ROUND, round + 1);
    if (atomic.load<u32>(SLEEPERS) != 0) atomic.notify(ROUND, -1);
    return;
  }
  let looks = LOOKS;
  while (atomic.load<u32>(ROUND) == round)
    if (--looks <= 0) {
      atomic.add<u32>(SLEEPERS, 1);
      atomic.wait<u32>(ROUND, round, -1);
      atomic.sub<u32>(SLEEPERS, 1);
    }
}
