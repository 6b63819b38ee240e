"""Notes kept: what a pitch tracker that this project did not write hears in a copy and in its source. Optional:

    pip install --no-deps basic-pitch==0.4.0 && pip install onnxruntime librosa mir_eval resampy pretty_midi

basic-pitch (Bittner et al., ICASSP 2022) carries its weights in the package; they run in onnxruntime.
"""

from __future__ import annotations

import importlib.util
import os

import numpy as np

from .envelopes import resampled

MISSING = (
    'notes kept: not measured; pip install --no-deps basic-pitch==0.4.0 && pip install onnxruntime librosa mir_eval resampy pretty_midi'
)
RATE, WINDOW, HOP = 22050, 43844, 256
OVERLAP = 30  # frames that neighbouring windows share; half of them is cut from each side
BASS = 165.0  # Hz: E3
FRAMES_A_SECOND = 86.0  # as basic-pitch counts: 22050 // 256
SHORTEST = 11  # frames, 127.7 ms: basic-pitch's default
_session = None


def available() -> bool:
    return all(importlib.util.find_spec(name) for name in ('basic_pitch', 'onnxruntime', 'librosa', 'mir_eval', 'resampy', 'pretty_midi'))


def notes(x: np.ndarray, rate: int) -> list:
    """[(start in s, MIDI pitch)] of a mono clip, basic-pitch's default thresholds (onset 0.5, frame 0.3)."""
    global _session
    import logging

    logging.getLogger().setLevel(logging.ERROR)  # basic-pitch warns of every back end that it does without
    import onnxruntime
    from basic_pitch.note_creation import output_to_notes_polyphonic

    if _session is None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        folder = importlib.util.find_spec('basic_pitch').submodule_search_locations[0]
        _session = onnxruntime.InferenceSession(
            os.path.join(folder, 'saved_models', 'icassp_2022', 'nmp.onnx'), options, providers=['CPUExecutionProvider']
        )
    y = resampled(x, rate, RATE).astype(np.float32)
    overlap = OVERLAP * HOP
    padded = np.concatenate([np.zeros(overlap // 2, np.float32), y])
    onset, note = [], []
    for start in range(0, len(padded), WINDOW - overlap):
        part = np.zeros(WINDOW, np.float32)
        given = padded[start : start + WINDOW]
        part[: len(given)] = given
        got = dict(
            zip(
                ('note', 'onset'),
                _session.run(
                    ['StatefulPartitionedCall:1', 'StatefulPartitionedCall:2'], {_session.get_inputs()[0].name: part[None, :, None]}
                ),
            )
        )
        onset.append(got['onset'][0][OVERLAP // 2 : -(OVERLAP // 2)])
        note.append(got['note'][0][OVERLAP // 2 : -(OVERLAP // 2)])
    frames = int(len(y) * FRAMES_A_SECOND / RATE)
    onset, note = (np.concatenate(v)[:frames] for v in (onset, note))
    found = output_to_notes_polyphonic(note, onset, 0.5, 0.3, SHORTEST, True, None, None)
    return sorted((n[0] / FRAMES_A_SECOND, int(n[2])) for n in found)


def f1(output: list, source: list, tolerance: float = 0.05) -> float:
    """F measure of notes matched one to one: same semitone, onset within 50 ms (largest matching, mir_eval). Both empty: NaN."""
    from mir_eval.transcription import match_notes

    if not output and not source:
        return float('nan')
    if not output or not source:
        return 0.0
    spans = lambda v: np.array([[t, t + 0.1] for t, _ in v])
    hz = lambda v: np.array([440 * 2 ** ((p - 69) / 12) for _, p in v])
    pairs = match_notes(
        spans(source), hz(source), spans(output), hz(output), onset_tolerance=tolerance, pitch_tolerance=50.0, offset_ratio=None
    )
    return 2 * len(pairs) / (len(output) + len(source))


def notes_kept(output: np.ndarray, source: np.ndarray, rate: int, source_notes: list | None = None) -> tuple:
    """(all, bass below 165 Hz): F1 of the notes heard in output against those heard in source, or against source_notes."""
    a, b = notes(output, rate), source_notes if source_notes is not None else notes(source, rate)
    low = lambda v: [n for n in v if 440 * 2 ** ((n[1] - 69) / 12) < BASS]
    return f1(a, b), f1(low(a), low(b))
