"""MeLoDy in PyTorch: data, models, training, export and goldens for the TypeScript engine."""
