"""Forward and backward pass of a training step as a CUDA graph: one launch instead of thousands, which at these sizes is most of a step.

A captured pass may not wait for the GPU or change its shapes. Where capturing fails, a line says so and the steps run one launch at a time;
MELODY_GRAPHS=0 turns it off. torch.compile is not used: minutes of compiling do not come back in a run of ten minutes.
"""

import os

import torch

from .processes import on_gpu

WARM = 3  # plain steps before the capture: libraries make their plans and Triton its kernels


class Gradients:
    """compute(*inputs) -> (total, {name: loss}); a call leaves d total / d p in every parameter's .grad and returns the losses."""

    def __init__(self, name, parameters):
        self.name, self.parameters = name, list(parameters)
        self.on = on_gpu() and os.environ.get('MELODY_GRAPHS', '1') != '0'
        self.plain_steps, self.captured, self.stream, self.pool = {}, {}, None, None

    def __call__(self, compute, inputs, variant=None):
        if not self.on:
            return self.plain(compute, inputs)
        key = (variant, tuple((tuple(x.shape), x.dtype) for x in inputs))
        if key not in self.captured and self.plain_steps.get(key, 0) < WARM:
            self.plain_steps[key] = self.plain_steps.get(key, 0) + 1
            return self.beside(compute, inputs)
        if key not in self.captured:
            try:
                self.captured[key] = self.capture(compute, inputs)
            except Exception as error:  # noqa: BLE001 whatever the driver says, training goes on
                first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
                print(f'{self.name}: no CUDA graph ({first}); steps run one launch at a time', flush=True)
                self.on = False
                torch.cuda.synchronize()
                return self.plain(compute, inputs)
        graph, fixed, gradients, losses = self.captured[key]
        for place, value in zip(fixed, inputs):
            place.copy_(value)
        graph.replay()
        for p, g in zip(self.parameters, gradients):
            p.grad = g
        return losses

    def plain(self, compute, inputs):
        for p in self.parameters:
            p.grad = None
        total, losses = compute(*inputs)
        total.backward()
        return {k: v.detach() for k, v in losses.items()}

    def beside(self, compute, inputs):
        """A plain step on the stream of the later capture, as capturing wants it."""
        self.stream = self.stream or torch.cuda.Stream()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            losses = self.plain(compute, inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return losses

    def capture(self, compute, inputs):
        self.pool = self.pool or torch.cuda.graph_pool_handle()
        fixed = [x.clone() for x in inputs]
        for p in self.parameters:
            p.grad = None
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            total, losses = compute(*fixed)
            total.backward()
            losses = {k: v.detach() for k, v in losses.items()}
            gradients = [p.grad for p in self.parameters]
        return graph, fixed, gradients, losses
