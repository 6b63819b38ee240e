"""`all --minutes N`: one clock for everything. Stages share what is left by their weights; a table of what came of it stands at the end."""

import json
import time

TRAINING = ('towers', 'lm', 'vae', 'polish', 'dpd')
# tenths of a minute in a run of ten; training stages share 80 by the `minutes` of their config, or by these
WEIGHTS = {
    'data': 15,
    'features': 3,
    'semantic': 2,
    'towers': 8,
    'rvq': 3,
    'heads': 2,
    'lm': 16,
    'timbre_head': 1,
    'vae': 24,
    'latents': 3,
    'polish': 10,
    'dpd': 22,
    'export': 3,
}
RESERVE = 0.02  # of the whole, at least 4 s: always kept for the export


class Budget:
    """minutes of wall clock from now (or from `began`) for `stages`, of which those in `finished` need no time."""

    def __init__(self, minutes, config, stages, finished=(), began=None):
        self.end = (began or time.time()) + 60 * minutes
        self.reserve = max(4.0, RESERVE * 60 * minutes)
        said = {s: config['train'].get(s, {}).get('minutes') for s in TRAINING}
        total = sum(WEIGHTS[s] for s in TRAINING)
        scale = {s: said[s] * total / sum(said.values()) for s in TRAINING} if all(said.values()) else {}
        self.left = {s: 0 if s in finished else scale.get(s, WEIGHTS[s]) for s in stages}

    def start(self, stage):
        """The time (seconds since 1970) at which `stage`, the next one, must end: its share of what is left."""
        now = time.time()
        weight, together = self.left[stage], max(1e-9, sum(self.left.values()))
        self.left[stage] = 0
        free = max(0.0, self.end - self.reserve - now)
        return now + free * weight / together


def seconds_left(paths, default=float('inf')):
    """Until the end of this stage's share; `default` without a budget."""
    until = getattr(paths, 'until', None)
    return default if until is None else until - time.time()


def last_report(folder):
    path = folder / 'log.jsonl'
    return json.loads(path.read_text().splitlines()[-1]) if path.exists() else {}


# of a stage's last report: measure, name of what it is compared with, that value
COMPARED = {
    'towers': (
        ('recall10', 'chance', lambda r: min(1.0, 10 / r['pairs'])),
        ('t_tempo', 'chance', lambda r: 1 / 24),
        ('a_tonic', 'chance', lambda r: 1 / 12),
    ),
    'lm': (('held_bits', 'bigram', 'bigram'), ('wrong_style', 'held_bits', 'held_bits'), ('no_clock', 'held_bits', 'held_bits')),
    'vae': (('held_mel', 'mean spectrum', 'mean_mel'), ('held_chroma', 'other clip', 'other_chroma')),
    'polish': (('held_mel', 'mean spectrum', 'mean_mel'), ('held_chroma', 'other clip', 'other_chroma')),
    'dpd': (('held', 'Wiener', 'wiener'), ('gap_1.1', 'no use of tokens', lambda r: 0.0), ('gap_1.4', 'no use of tokens', lambda r: 0.0)),
}


def compared(stage, report):
    """'held_bits 2.58 (bigram 3.20), ...' of what the report has."""
    said = []
    for name, other, value in COMPARED.get(stage, ()):
        if name in report and (callable(value) or value in report):
            said.append(f'{name} {report[name]:.3g} ({other} {value(report) if callable(value) else report[value]:.3g})')
    return ', '.join(said)


def table(rows, runs):
    """rows: (stage, seconds, steps, remark) -> lines; the seconds of training are those of this run of the command."""
    lines = [
        f'{"stage":9s} {"seconds":>8s} {"steps":>7s} {"steps/s":>8s}  held-out measures of the last report (what each is compared with)'
    ]
    for stage, seconds, steps, remark in rows:
        rate = f'{steps / seconds:8.2f}' if steps and seconds > 0 else ' ' * 8
        lines.append(
            f'{stage:9s} {seconds:8.1f} {steps if steps else "":>7} {rate}  {remark or compared(stage, last_report(runs / stage) if steps else {})}'.rstrip()  # noqa: E501
        )
    lines.append(f'{"all":9s} {sum(r[1] for r in rows):8.1f}')
    return lines
