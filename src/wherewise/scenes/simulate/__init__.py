"""Furnished rooms with exact ground truth, drawn on the CPU."""

from wherewise.scenes.simulate.config import Framing, Motion, SimulateConfig
from wherewise.scenes.simulate.furniture import Catalogue, Material, Model, load_catalogue
from wherewise.scenes.simulate.generate import Rejection, Simulated, SimulationError, encode_jpeg, simulate
from wherewise.scenes.simulate.look import PALETTE

__all__ = [
    "PALETTE",
    "Catalogue",
    "Framing",
    "Material",
    "Model",
    "Motion",
    "Rejection",
    "SimulateConfig",
    "Simulated",
    "SimulationError",
    "encode_jpeg",
    "load_catalogue",
    "simulate",
]
