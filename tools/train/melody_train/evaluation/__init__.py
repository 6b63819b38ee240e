"""Measures of an exported model on held-out prompts and pieces; see evaluate.py one folder up for the command."""
