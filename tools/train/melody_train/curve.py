"""log.jsonl of a run -> curve.png."""

import json
from pathlib import Path


def draw_curve(folder):
    """log.jsonl -> curve.png, one small panel a quantity. Without matplotlib the log alone remains."""
    try:
        import matplotlib

        matplotlib.use('Agg')
        import matplotlib.pyplot as plt
    except ImportError:
        return
    rows = [json.loads(line) for line in (Path(folder) / 'log.jsonl').read_text().splitlines()]
    names = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in ('step', 'minutes')]
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3.2 * columns, 2.2 * lines), squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.axis('off')
    for axis, name in zip(axes.flat, names):
        points = [(row['step'], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points), linewidth=1)
        axis.set_title(name, fontsize=8)
        axis.tick_params(labelsize=6)
    figure.tight_layout()
    figure.savefig(Path(folder) / 'curve.png', dpi=80)
    plt.close(figure)
