// What every thread of the pool runs: jobs in order of their numbers, a plan's commands in order of the list, each command in parts that threads
// claim. A command is over when its parts are, whoever did them: a thread that the system has taken off its core between two parts holds
// nobody up, and one that was taken off in the middle of a part stays away for a while (park), since its core is another's.
//
// Who clears a part's bit in TICKET does that part, and who ends a command's last part opens the next: words of the open command change only
// while no part of it is free or being done.
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
/** Milliseconds, for profiles and for how long a thread stays away. */
@external('env', 'now')
declare function now(): f64;

const CONTROL: usize = 1024;
const POSTED: usize = CONTROL; // jobs that the host has posted
const DONE: usize = CONTROL + 64; // jobs that are over: the number of the one that is on, or will be next
const STOP: usize = CONTROL + 128; // not 0: threads leave
const TICKET: usize = CONTROL + 192; // 64 bits: the number of the command, and a bit for each part of it that nobody has taken
const LEFT: usize = CONTROL + 256; // parts of this command that are not done
const SLEEPERS: usize = CONTROL + 320; // threads asleep until the next command
const PARTS: usize = CONTROL + 384; // of this command
const COMMAND: usize = CONTROL + 448; // its number in the job
const WORTH: usize = CONTROL + 512; // thousands of operations of one part
const PAGES: usize = CONTROL + 576; // of memory, as the host has last seen it grow
const ABSENT: usize = CONTROL + 640; // threads that stay away
const OPENED: usize = CONTROL + 704; // the number of the last command
const RESTING: usize = CONTROL + 768; // so many threads rest, those of the highest numbers: the host leaves their cores to others
const RING: usize = CONTROL + 1024;
const RING_JOBS: u32 = 256;
const JOB_BYTES: usize = 64;
const CANCELLED: usize = 36; // of a job
const RELAXED: usize = 40; // not 0: products by the relaxed module
const DESKS: usize = RING + <usize>RING_JOBS * JOB_BYTES; // a line a thread: the command of which it does a part, and whether it shall stay away
const AWAY: usize = 4;

// A job is its kind and ten words: four of its own, whether to report its end, then scratch of all threads, bytes of each, times, whether it
// was cancelled (a plan then ends at its next command), and whether its products may be relaxed.
const RUN: u32 = 1; // list of commands, how many, patches, how many
const COPY: u32 = 2; // to, from, bytes
const FILL: u32 = 3; // to, word, words
const PACK: u32 = 5; // description, see lib/pack.ts

/** The ticket while no job is on, and while a thread begins one; numbers of commands are odd. */
const IDLE: u64 = 0;
const BEGINS: u64 = (<u64>2) << 32;
/** Bits of a ticket that are parts. */
const MOST_PARTS: u32 = 32;
/** Looks before a thread goes to sleep: some 20 µs, longer than any share of small work differs. */
const LOOKS: i32 = 50_000;
/** Thousands of operations up to which one thread does a command alone: a part would cost more than it saves. */
const TINY: u32 = 4;
/** Thousands of operations from which on there are more parts than threads, so that one that is slowed down does less. */
const LARGE: u32 = 2_000;
/** Parts of a large command for each thread. */
const FINE: u32 = 8;
/** A part that takes longer than this, ns, and than it would at one operation a nanosecond: its thread has lost its core. */
const PATIENCE: i64 = 1_000_000;
/** That, in thousands of operations, for what nobody has counted. */
const LONGEST: u32 = 1_000_000;
/** Milliseconds that a thread then stays away, at first and at most; twice as long each time that it is taken off again soon. */
const SHORT: f64 = 8;
const LONG: f64 = 256;

/** In ns. */
const SECOND: i64 = 1_000_000_000;

let self: u32 = 0;
let threads: u32 = 1;
let desk: usize = 0; // this thread's line
let entered: u32 = 0xffffffff; // the job that this thread has prepared for
let away: f64 = 0; // how long it stayed away last, and until when, in ms
let back: f64 = 0;

/** The loop of one thread of the pool; comes back when the pool stops. */
export function work(thread: u32, count: u32): void {
  self = thread;
  threads = count;
  desk = DESKS + (<usize>thread << 6);
  let looks = LOOKS;
  while (atomic.load<u32>(STOP) == 0) {
    if (atomic.load<u32>(RESTING) != 0 && rest()) continue;
    const ticket = atomic.load<u64>(TICKET);
    const free = <u32>ticket;
    if (ticket == IDLE) {
      const next = atomic.load<u32>(DONE);
      if (atomic.load<u32>(POSTED) == next) {
        if (--looks <= 0) atomic.wait<u32>(POSTED, next, -1);
        continue;
      }
      if (atomic.cmpxchg<u64>(TICKET, IDLE, BEGINS) == IDLE) advance(false);
    } else if (free != 0) {
      // its own part, if it comes in time: what it read there last time may still be in its cache
      const part = self < MOST_PARTS && (free & (1 << self)) != 0 ? self : ctz(free);
      if (atomic.cmpxchg<u64>(TICKET, ticket, ticket ^ ((<u64>1) << part)) == ticket) {
        atomic.store<u32>(desk, <u32>(ticket >> 32));
        doPart(enter(atomic.load<u32>(DONE)), atomic.load<u32>(COMMAND), part, atomic.load<u32>(PARTS));
        atomic.store<u32>(desk, 0);
        if (atomic.sub<u32>(LEFT, 1) == 1) advance(true);
        if (atomic.load<u32>(desk, AWAY) != 0) park();
      }
    } else {
      if (--looks > 0) continue;
      sleep(ticket);
    }
    looks = LOOKS;
  }
}

/** The job of this number, after what a thread must know of it before it touches anything of it. */
function enter(number: u32): usize {
  const job = RING + <usize>(number % RING_JOBS) * JOB_BYTES;
  if (number == entered) return job;
  entered = number;
  // An engine may tell this thread of grown memory later than of the job that needs it, or never: V8 11.3 was seen to leave a thread that had just
  // started with the old size. To grow by nothing makes it look. Should that not help, bulk copies fault, which is told of; to wait for ever is not.
  for (let looks = 100_000; looks > 0 && <u32>memory.size() < atomic.load<u32>(PAGES); looks--) memory.grow(0);
  prepare(job);
  return job;
}

function prepare(job: usize): void {
  setScratch(<usize>load<u32>(job, 24) + <usize>self * <usize>load<u32>(job, 28));
  setRelaxed(load<u32>(job, RELAXED));
}

// @ts-ignore: decorator
@inline
function commandOf(job: usize, command: u32): usize {
  return <usize>load<u32>(load<u32>(job, 4) + ((<usize>command) << 2));
}

function doPart(job: usize, command: u32, part: u32, parts: u32): void {
  if (load<u32>(job) == PACK) {
    pack(load<u32>(job, 4), part, parts);
    return;
  }
  const c = commandOf(job, command);
  const code = load<u32>(c);
  const units = <u64>unitsOf(code, c);
  const from = <u32>((units * part) / parts);
  const to = <u32>((units * (part + 1)) / parts);
  if (from < to) run(code, c, from, to);
}

/**
 * The command before is done: opens the next one, of the next job when this one is over, or leaves word that none is on. Whoever calls this is
 * the only one who may: it ended the last part, or has taken the ticket away (IDLE).
 */
function advance(inJob: bool): void {
  let command = inJob ? atomic.load<u32>(COMMAND) : 0;
  for (;;) {
    const number = atomic.load<u32>(DONE);
    if (!inJob && atomic.load<u32>(POSTED) == number) {
      atomic.store<u64>(TICKET, IDLE);
      return;
    }
    const job = enter(number);
    if (inJob) stamp(job, command++);
    else {
      begin(job);
      command = 0;
    }
    const parts = partsOf(job, command);
    if (parts != 0) {
      open(job, command, parts);
      return;
    }
    const tell = load<u32>(job, 20);
    atomic.store<u32>(DONE, number + 1);
    if (tell != 0) report(number + 1);
    inJob = false;
  }
}

/** What comes before the commands of a job, or is all of it. */
function begin(job: usize): void {
  const kind = load<u32>(job);
  if (kind == RUN) patch(job);
  else if (kind == COPY) memory.copy(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
  else if (kind == FILL) fillWords(load<u32>(job, 4), load<u32>(job, 8), load<u32>(job, 12));
}

/** When this command ended, for a profile. */
function stamp(job: usize, command: u32): void {
  const times = load<u32>(job, 32);
  if (times != 0) store<f64>(times + ((<usize>command) << 3), now());
}

/** Parts of a command; 0 when the job has none of that number or was cancelled. */
function partsOf(job: usize, command: u32): u32 {
  const kind = load<u32>(job);
  if (kind == PACK) return command == 0 ? min(threads, MOST_PARTS) : 0;
  if (kind != RUN || command >= load<u32>(job, 8) || atomic.load<u32>(job, CANCELLED) != 0) return 0;
  const c = commandOf(job, command);
  const cost = load<u32>(c, 4);
  if (threads == 1 || cost <= TINY) return 1;
  const units = unitsOf(load<u32>(c), c);
  return max(1, min(min(units, MOST_PARTS), cost < LARGE || units < 2 * threads ? threads : FINE * threads));
}

function open(job: usize, command: u32, parts: u32): void {
  atomic.store<u32>(COMMAND, command);
  atomic.store<u32>(PARTS, parts);
  atomic.store<u32>(LEFT, parts);
  atomic.store<u32>(WORTH, load<u32>(job) == RUN ? load<u32>(commandOf(job, command), 4) / parts : LONGEST);
  const number = (atomic.load<u32>(OPENED) + 2) | 1;
  atomic.store<u32>(OPENED, number);
  atomic.store<u64>(TICKET, ((<u64>number) << 32) | (((<u64>1) << parts) - 1));
  if (parts > 1 && atomic.load<u32>(SLEEPERS) != 0) atomic.notify(TICKET, parts - 1);
}

/** Until another command is open. Who does a part for much longer than it takes is told to stay away. */
function sleep(ticket: u64): void {
  atomic.add<u32>(SLEEPERS, 1);
  if (atomic.wait<u64>(TICKET, ticket, PATIENCE + 1000 * <i64>atomic.load<u32>(WORTH)) == 2) {
    for (let other = DESKS; other < DESKS + (<usize>threads << 6); other += 64)
      if (atomic.load<u32>(other) == <u32>(ticket >> 32)) atomic.store<u32>(other, 1, AWAY);
    atomic.wait<u64>(TICKET, ticket, -1);
  }
  atomic.sub<u32>(SLEEPERS, 1);
}

/** This thread lost its core in the middle of a part: others go on without it for a while, if there are any. */
function park(): void {
  atomic.store<u32>(desk, 0, AWAY);
  if (atomic.add<u32>(ABSENT, 1) + 1 < threads) {
    atomic.notify(TICKET, -1); // what this thread opened last may have woken nobody
    const began = now();
    away = began - back < 2 * away ? min(2 * away, LONG) : SHORT;
    atomic.wait<u32>(desk, 0, <i64>(away * 1e6));
    back = now();
  }
  atomic.sub<u32>(ABSENT, 1);
}

/**
 * A thread that is to rest does, until the host says otherwise; else false, also where nobody would be left: those that stay away come back first.
 * All rest for a second at most.
 */
function rest(): bool {
  const resting = atomic.load<u32>(RESTING);
  if (self + resting < threads) return false;
  if (resting >= threads) {
    if (atomic.wait<u32>(RESTING, resting, SECOND) == 2) atomic.cmpxchg<u32>(RESTING, resting, 0);
    return true;
  }
  const others = atomic.add<u32>(ABSENT, 1) + 1 < threads;
  if (others) {
    atomic.notify(TICKET, -1); // what this thread opened last may have woken nobody
    atomic.wait<u32>(RESTING, resting, -1);
  }
  atomic.sub<u32>(ABSENT, 1);
  return others;
}

/** Command `i` of a job, or part `i` of one that packs, on the thread that calls: where memory cannot be shared. */
export function step(job: usize, i: u32): void {
  if (i == 0) begin(job);
  prepare(job);
  if (load<u32>(job) == PACK) doPart(job, 0, i, load<u32>(job, 8));
  else if (partsOf(job, i) != 0) {
    doPart(job, i, 0, 1);
    stamp(job, i);
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
