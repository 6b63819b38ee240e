"""Stage `goldens`: test/goldens from weights/melody-tiny (whatever --config says: the goldens belong to tiny)."""

from .. import goldens


def run(c, paths):
    goldens.run(paths.weights.parent / 'melody-tiny', paths.goldens)
