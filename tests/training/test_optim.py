from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from wherewise.training.config import OptimConfig, Schedule
from wherewise.training.optim import Muon, build_optimizer, lr_factor, orthogonalise, set_lr, split_parameters


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.conv = nn.Conv2d(3, 5, 2)
        self.linear = nn.Linear(4, 6)
        self.lm_head = nn.Linear(4, 7, bias=False)
        self.lm_head.weight = self.embed.weight
        self.pos_embed = nn.Parameter(torch.randn(1, 3, 4))


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 12, 5), (1, 5, 12)])
def test_orthogonalise_brings_singular_values_near_one(shape: tuple[int, int, int]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(x, 7))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_split_keeps_row_tables_and_vectors_out_of_the_matrices() -> None:
    net = Net()
    matrices, rest = split_parameters(net)
    assert {id(p) for p in matrices} == {id(net.conv.weight), id(net.linear.weight)}
    assert {id(p) for p in rest} == {id(p) for p in (net.embed.weight, net.conv.bias, net.linear.bias, net.pos_embed)}


def test_frozen_parameters_are_not_optimised() -> None:
    net = Net().requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter is trainable"):
        build_optimizer(net, OptimConfig())


def test_muon_rest_is_adam() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = nn.Parameter(torch.zeros(5)), nn.Parameter(torch.zeros(5))
    muon = Muon([], [ours], lr=0.1, betas=(0.9, 0.95))
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.95))
    for _ in range(5):
        ours.grad = torch.randn(5, generator=generator)
        theirs.grad = ours.grad.clone()
        muon.step()
        adam.step()
    torch.testing.assert_close(ours, theirs)


def test_muon_update_has_the_size_of_adams() -> None:
    weight = nn.Parameter(torch.zeros(32, 64))
    muon = Muon([weight], lr=0.01)
    weight.grad = torch.randn(32, 64, generator=torch.Generator().manual_seed(0))
    muon.step()
    assert 0.1 < float(weight.detach().square().mean().sqrt()) / 0.01 < 0.3


def test_muon_solves_a_regression() -> None:
    torch.manual_seed(0)
    net, x = nn.Linear(6, 3), torch.randn(64, 6)
    target = x @ torch.randn(6, 3)
    muon = Muon([net.weight], [net.bias], lr=0.2)
    losses = []
    for step in range(150):
        set_lr(muon, 1 - step / 150)
        loss = (net(x) - target).square().mean()
        muon.zero_grad()
        loss.backward()
        muon.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.01 * losses[0]


def test_muon_refuses_vectors_as_matrices() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_state_dict_round_trip_goes_on_bit_for_bit(name: str) -> None:
    def grads(net: nn.Module, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for p in net.parameters():
            p.grad = torch.randn(p.shape, generator=generator)

    torch.manual_seed(0)
    one = Net()
    config = OptimConfig(name=name, lr=0.01, weight_decay=0.1)
    first = build_optimizer(one, config)
    for step in range(3):
        grads(one, step)
        set_lr(first, 0.5)
        first.step()
    two = Net()
    two.load_state_dict(one.state_dict())
    second = build_optimizer(two, config)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for net, optimizer in ((one, first), (two, second)):
        grads(net, 9)
        set_lr(optimizer, 0.25)
        optimizer.step()
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    assert second.param_groups[0]["lr"] == 0.0025


def test_schedules() -> None:
    def curve(schedule: Schedule, **changes: float) -> list[float]:
        config = OptimConfig(schedule=schedule, **changes)
        return [lr_factor(config, step, 10) for step in range(10)]

    assert curve(Schedule.CONSTANT) == [1.0] * 10
    assert curve(Schedule.CONSTANT, warmup=0.2)[:3] == [0.5, 1.0, 1.0]
    assert curve(Schedule.LINEAR)[5] == 0.5
    assert curve(Schedule.COSINE)[5] == pytest.approx(0.5)
    assert curve(Schedule.COSINE, min_lr_ratio=0.1)[9] == pytest.approx(0.1 + 0.45 * (1 + math.cos(0.9 * math.pi)))
    wsd = curve(Schedule.WSD, decay_fraction=0.4)
    assert wsd[:7] == pytest.approx([1.0] * 7)
    assert wsd[7:] == pytest.approx([0.75, 0.5, 0.25])
