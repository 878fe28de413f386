"""Optimisers (AdamW, Muon) and learning-rate schedules.

Muon: Jordan et al. 2024; the update's scale 0.2 * sqrt(max(rows, columns)) is Moonlight's (arXiv:2502.16982), which
gives a matrix update the root-mean-square of AdamW's, so that both kinds of parameter share one learning rate.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from wherewise.models.lora import part_of
from wherewise.samples.errors import InputError
from wherewise.training.config import OptimConfig, OptimizerName, Schedule

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration that drives singular values towards 1."""


def orthogonalise(matrices: Tensor, steps: int) -> Tensor:
    """Replace the singular values of a stack of matrices by (roughly) 1.

    Args:
        matrices: Float[K, rows, columns].
        steps: Newton–Schulz iterations; 5 brings the values into about [0.7, 1.2].
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.01 + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    back: Tensor = x.mT if tall else x
    return back


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for matrices (kernels flattened to rows), Adam for all other parameters.

    Args:
        matrices: Parameters of two dimensions or more.
        rest: Embeddings, gains, biases, positions.
        lr: Learning rate of the matrices.
        rest_lr: Learning rate of the rest; None means `lr`.
        momentum: Of the matrices (Nesterov).
        betas: Of the rest.
        weight_decay: Decoupled, on the matrices.
        newton_schulz_steps: Iterations of `orthogonalise`.
        eps: Of the rest.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        rest: Iterable[nn.Parameter] = (),
        *,
        lr: float,
        rest_lr: float | None = None,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 0.0,
        newton_schulz_steps: int = 5,
        eps: float = 1e-8,
    ) -> None:
        groups: list[dict[str, Any]] = []
        if first := list(matrices):
            groups.append(
                {
                    "params": first,
                    "kind": "muon",
                    "lr": lr,
                    "momentum": momentum,
                    "weight_decay": weight_decay,
                    "newton_schulz_steps": newton_schulz_steps,
                }
            )
            if any(p.ndim < 2 for p in first):
                raise ValueError("Muon's matrices need two dimensions or more; pass vectors as `rest`")
        if second := list(rest):
            groups.append(
                {"params": second, "kind": "adam", "lr": lr if rest_lr is None else rest_lr, "betas": betas, "eps": eps}
            )
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; parameters without a gradient are left alone."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["kind"] == "muon":
                self._step_matrices(group)
            else:
                self._step_rest(group)
        return loss

    def _step_matrices(self, group: dict[str, Any]) -> None:
        momentum, lr = group["momentum"], group["lr"]
        by_shape: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(p.grad, 1 - momentum)
            update = p.grad.lerp(state["momentum"], momentum).reshape(p.shape[0], -1)
            by_shape[(update.shape[0], update.shape[1])].append((p, update))
        for shape, pairs in by_shape.items():
            stack = torch.stack([u for _, u in pairs])
            directions = orthogonalise(stack.float(), group["newton_schulz_steps"])
            scale = 0.2 * math.sqrt(max(shape))
            for (p, _), direction in zip(pairs, directions, strict=True):
                if group["weight_decay"]:
                    p.mul_(1 - lr * group["weight_decay"])
                p.add_(direction.reshape(p.shape).to(p.dtype), alpha=-lr * scale)

    def _step_rest(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if not state:
                state["step"] = 0
                state["exp_avg"] = torch.zeros_like(p)
                state["exp_avg_sq"] = torch.zeros_like(p)
            state["step"] += 1
            state["exp_avg"].lerp_(p.grad, 1 - beta1)
            state["exp_avg_sq"].lerp_(p.grad.square(), 1 - beta2)
            mean = state["exp_avg"] / (1 - beta1 ** state["step"])
            spread = (state["exp_avg_sq"] / (1 - beta2 ** state["step"])).sqrt() + group["eps"]
            p.add_(mean / spread, alpha=-group["lr"])


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Trainable parameters as (matrices, rest), in the order of ``named_parameters``.

    Embedding tables, whatever is tied to them, and output heads are looked up by row, not multiplied as a whole map:
    they belong to the rest, as do vectors and learnt positions.
    """
    rows = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        is_row_table = id(p) in rows or "lm_head" in name or "pos_embed" in name or "embedding" in name.lower()
        (rest if p.ndim < 2 or is_row_table else matrices).append(p)
    return matrices, rest


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """The optimiser of `config` over the trainable parameters of `model`.

    Raises:
        InputError: Nothing is trainable, or a part has a learning rate and nothing to learn.
    """
    optimizer = _one_rate(model, config)
    rates = {part: rate for part, rate in config.part_lr.model_dump().items() if rate is not None}
    if rates:
        set_part_rates(optimizer, model, {part: rate / config.lr for part, rate in rates.items()})
    return optimizer


def set_part_rates(optimizer: torch.optim.Optimizer, model: nn.Module, factors: Mapping[str, float]) -> None:
    """Split the groups of a fresh optimiser by the parts of a model, and multiply the rates of those named.

    Args:
        optimizer: Before its first step.
        model: Whose parameters it has.
        factors: By part (`vision`, `merger`, `language`), what its rates are multiplied by; others stay.

    Raises:
        InputError: A part that is named has no trainable parameter.
    """
    part = {id(p): part_of(name) for name, p in model.named_parameters() if p.requires_grad}
    if idle := sorted(set(factors) - set(part.values())):
        raise InputError(
            f"optim.part_lr.{idle[0]} is set but nothing of that part is trained: unfreeze it or give it adapters, "
            "or remove the rate"
        )
    groups = []
    for group in optimizer.param_groups:
        for factor in dict.fromkeys(factors.get(part[id(p)], 1.0) for p in group["params"]):
            params = [p for p in group["params"] if factors.get(part[id(p)], 1.0) == factor]
            groups.append({**group, "params": params, "lr": group["lr"] * factor})
    optimizer.param_groups[:] = groups


def _one_rate(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """The optimiser with the same rates in all parts of the model."""
    matrices, rest = split_parameters(model)
    if not matrices and not rest:
        raise InputError("no parameter is trainable: everything is frozen; unfreeze a part or add LoRA")
    match config.name:
        case OptimizerName.MUON:
            return Muon(
                matrices,
                rest,
                lr=config.lr,
                rest_lr=config.rest_lr,
                momentum=config.momentum,
                betas=config.betas,
                weight_decay=config.weight_decay,
                eps=config.eps,
            )
        case OptimizerName.ADAMW:
            rest_lr = config.lr if config.rest_lr is None else config.rest_lr
            groups: list[dict[str, Any]] = []
            if matrices:
                groups.append({"params": matrices, "lr": config.lr, "weight_decay": config.weight_decay})
            if rest:
                groups.append({"params": rest, "lr": rest_lr, "weight_decay": 0.0})
            return torch.optim.AdamW(groups, betas=config.betas, eps=config.eps)


def lr_factor(config: OptimConfig, step: int, total: int) -> float:
    """What the learning rates are multiplied by at `step` (from 0) of `total`.

    >>> c = OptimConfig(lr=1.0, warmup=2, schedule=Schedule.LINEAR)
    >>> [round(lr_factor(c, s, 6), 2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    warmup = int(config.warmup if config.warmup >= 1 else config.warmup * total)
    if step < warmup:
        return (step + 1) / warmup
    span = max(1, total - warmup)
    progress = (step - warmup) / span
    floor = config.min_lr_ratio
    match config.schedule:
        case Schedule.CONSTANT:
            return 1.0
        case Schedule.LINEAR:
            return 1.0 - (1.0 - floor) * progress
        case Schedule.COSINE:
            return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))
        case Schedule.WSD:
            start = 1.0 - config.decay_fraction
            return 1.0 if progress < start else 1.0 - (1.0 - floor) * (progress - start) / config.decay_fraction


def set_lr(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set every group's rate to `factor` times its first one; returns the first group's rate."""
    for group in optimizer.param_groups:
        group.setdefault("base_lr", group["lr"])
        group["lr"] = group["base_lr"] * factor
    return cast(float, optimizer.param_groups[0]["lr"])
