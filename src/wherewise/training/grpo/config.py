"""Configuration of GRPO; needs no torch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from wherewise.rewards import MissingPolicy, RewardConfig
from wherewise.training.config import PositiveInt, RunConfig, StrictConfig, check_length
from wherewise.training.grpo.advantages import Advantage, AdvantageScaling
from wherewise.training.rollout.config import RolloutConfig, RolloutEngineName


class LossType(StrEnum):
    """What ratios are clipped, and how per-token losses are averaged (`wherewise.training.grpo.surrogates`)."""

    GRPO = "grpo"
    """Mean over the tokens of a completion, then over completions (DeepSeekMath): long wrong answers are punished
    less per token."""
    DR_GRPO = "dr_grpo"
    """Sum over tokens divided by the constant ``max_new_tokens``, then mean over completions: no length bias."""
    DAPO = "dapo"
    """Sum over all tokens of the step divided by their number."""
    BNPO = "bnpo"
    """As `DAPO` within each micro-batch, micro-batches weighted by their number of completions."""
    GSPO = "gspo"
    """One ratio a completion, the geometric mean of its tokens' (GSPO); averaged as `GRPO`. Clip at some 1e-4."""
    GSPO_TOKEN = "gspo_token"
    """GSPO-token: that ratio in value, each token's own probability in gradient."""
    GMPO = "gmpo"
    """The geometric mean of clipped token ratios (GMPO); averaged over completions."""
    CISPO = "cispo"
    """The clipped ratio is a weight without gradient, so that every token keeps its own (CISPO); averaged as `DAPO`."""


class KLEstimator(StrEnum):
    """How the distance to the reference is estimated (formulas: ``wherewise.training.grpo.kl``)."""

    K1 = "k1"
    """The log-ratio. For ``kl_in: reward``, or with ``kl_correction``: alone in the loss its mean gradient is 0."""
    ABS = "abs"
    """Its magnitude."""
    MSE = "mse"
    """Half its square (k2)."""
    K3 = "k3"
    """``ratio - log ratio - 1`` of reference over policy: unbiased and never negative; GRPO's penalty."""
    CHI2 = "chi2"
    """The square of ratio - 1 of reference over policy."""
    FULL = "full"
    """The divergence itself, from both distributions over the vocabulary: exact, and as much work as a second head."""


class KLPlace(StrEnum):
    """Where the KL penalty goes."""

    LOSS = "loss"
    """A term of the loss, token by token, with its gradient (GRPO)."""
    REWARD = "reward"
    """Subtracted from the reward, summed over the completion, before the baseline (PPO, RLOO, REINFORCE++)."""


class RewardOrder(StrEnum):
    """When the weights of the mixture act."""

    SUM_FIRST = "sum_then_normalise"
    """The weighted sum of the rewards is centred and scaled: a reward that varies more has more say."""
    NORMALISE_FIRST = "normalise_then_sum"
    """Each reward is centred and scaled in its group, then weighted and summed, then scaled over the step (GDPO)."""


class Truncated(StrEnum):
    """What becomes of completions that the token limit ended."""

    KEEP = "keep"
    """Nothing: they are judged like the others."""
    MASK = "mask"
    """They do not enter the loss (DAPO's overlong filtering); their rewards still count in the baseline."""
    PENALISE = "penalise"
    """The mixture gets the reward ``overlong``: DAPO's soft punishment over the last `overlong_cache` tokens."""


class SamplerCorrection(StrEnum):
    """Importance weights for samplers whose log-probabilities differ from ours (`wherewise.training.grpo.factors`)."""

    OFF = "off"
    """None."""
    TOKEN_TRUNCATE = "token_truncate"
    """A weight a token, clamped to the bounds."""
    TOKEN_MASK = "token_mask"
    """A weight a token; 0 outside the bounds."""
    SEQUENCE_TRUNCATE = "sequence_truncate"
    """A weight a completion, clamped to the bounds."""
    SEQUENCE_MASK = "sequence_mask"
    """A weight a completion; 0 outside the bounds."""


class RolloutsConfig(StrictConfig):
    """What is written under ``rollouts/``."""

    every: PositiveInt = 10
    """Steps between written rollouts; the first and last step are always written."""
    groups: PositiveInt = 4
    """Groups written each time."""


class DynamicSamplingConfig(StrictConfig):
    """DAPO's dynamic sampling (arXiv 2503.14476, section 3.2): groups without a signal are drawn anew."""

    max_rounds: PositiveInt = 10
    """Rounds of drawing for one step, the first one included. Each round draws as many prompts as groups are missing.
    If groups are still missing after the last, groups without a signal fill the step up."""


class GRPOConfig(RunConfig):
    """Group-relative policy optimisation with verifiable rewards."""

    rewards: tuple[RewardConfig, ...] = (RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.1))
    """The mixture of rewards."""
    missing: MissingPolicy = MissingPolicy.DROP_COMPLETION
    """What happens to a completion whose reward could not be judged."""
    audit: Literal["refuse", "warn", "off"] = "refuse"
    """Before training, the mixture is tried with replies that deserve nothing (``wherewise reward audit``): if it pays
    one, the run is refused, or only warned of."""
    steps: PositiveInt | None = None
    """Optimiser steps; give this or `epochs`."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the prompts; give this or `steps`."""
    prompts_per_step: PositiveInt = 8
    """Prompts (groups) sampled at a time."""
    generations: int = Field(default=8, ge=2)
    """Completions a prompt."""
    micro_prompts: PositiveInt = 8
    """Prompts a forward-backward pass."""
    micro_tokens: PositiveInt | None = None
    """Most tokens of a pass, padding included: each prompt once and its completions. Fewer prompts than `micro_prompts`
    go together where they would be more; a prompt that is over it alone goes alone. None: `micro_prompts` decides."""
    keep_prompts: bool = False
    """The loss goes on from the prompts that were read for sampling, instead of reading them again: each picture is
    encoded once a step though the vision tower is trained. Activations of all of a step's prompts stay in memory while
    completions are drawn."""
    num_iterations: PositiveInt = 1
    """Optimiser steps on the same completions."""
    max_new_tokens: PositiveInt = 128
    """Longest completion."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature; log-probabilities of the loss are taken at it too."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus sampling; below 1 the loss's log-probabilities are not those that were sampled from."""
    loss_type: LossType = LossType.DAPO
    """What ratios are clipped, and how per-token losses are averaged."""
    advantage: Advantage = Advantage.GRPO
    """What a reward is compared with."""
    scaling: AdvantageScaling | None = None
    """What centred rewards are divided by; None takes the estimator's own (``std`` for ``grpo``)."""
    reward_order: RewardOrder = RewardOrder.SUM_FIRST
    """Whether the rewards' weights act before or after the normalisation."""
    mapo_by: str = "accuracy"
    """``advantage: mapo``: the reward of the mixture that says whether a reply succeeded."""
    mapo_at: float = Field(default=0.5, gt=0, le=1)
    """``advantage: mapo``: a reply has succeeded from this value on."""
    clip_low: float = Field(default=0.2, gt=0, lt=1)
    """The probability ratio is clipped below at ``1 - clip_low``."""
    clip_high: float = Field(default=0.2, gt=0)
    """The probability ratio is clipped above at ``1 + clip_high``."""
    clip_dual: float | None = Field(default=None, gt=1)
    """With a negative advantage the loss of a token is at most this times the advantage (dual clip); None: no bound."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the KL penalty to the starting model (adapters switched off, or a frozen copy); 0 is no penalty."""
    kl: KLEstimator = KLEstimator.K3
    """Estimator of the KL penalty."""
    kl_in: KLPlace = KLPlace.LOSS
    """Whether the penalty is a term of the loss or a part of the reward."""
    kl_clip: float | None = Field(default=None, gt=0)
    """Estimates are clamped to ± this; None leaves them."""
    kl_correction: bool = False
    """Multiply the estimates in the loss by the ratio of new to old probability: their gradient becomes unbiased."""
    entropy_bonus: float = Field(default=0.0, allow_inf_nan=False)
    """Weight of the entropy of each token's distribution, averaged as the loss is; above 0 it rewards variety."""
    top_entropy: float = Field(default=1.0, gt=0, le=1)
    """Share of a backward pass's tokens, those of highest entropy, that the policy loss is taken from."""
    truncated: Truncated = Truncated.KEEP
    """What becomes of completions that the token limit ended."""
    overlong_cache: PositiveInt | None = None
    """``truncated: penalise``: tokens before `max_new_tokens` over which the penalty grows to 1."""
    dynamic_sampling: DynamicSamplingConfig | None = None
    """Draw further prompts until every group has a signal; None draws once."""
    sampler_correction: SamplerCorrection = SamplerCorrection.OFF
    """Importance weights for engines whose log-probabilities differ from the trainer's."""
    sampler_correction_max: float = Field(default=3.0, ge=1)
    """Upper bound of these weights."""
    sampler_correction_min: float = Field(default=0.0, ge=0, le=1)
    """Lower bound of these weights."""
    seeding: Literal["run", "prompt"] = "run"
    """``run``: one stream of random numbers draws all completions. ``prompt``: those of a prompt depend on the seed and
    on the prompt's place in the shuffled order, whatever else is drawn beside it; several processes always do this."""
    max_reward_errors: int = Field(default=8, ge=0)
    """Abort after more replies than this on which a reward raised an error. Each counts as not judged and is written to
    ``reward_errors.jsonl`` with its sample and the error."""
    rollouts: RolloutsConfig = RolloutsConfig()
    """Which completions are written down."""
    rollout: RolloutConfig = RolloutConfig()
    """What draws completions: ``hf`` (the policy itself) or ``vllm`` (a server)."""

    @field_validator("rollout", mode="before")
    @classmethod
    def _engine_alone(cls, value: Any) -> Any:
        return {"engine": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _length(self) -> Self:
        check_length(self.steps, self.epochs)
        return self

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        found = contradictions(self)
        if found:
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError("contradiction", "{reason}", {"reason": reason}),
                        loc=(key,),
                        input=getattr(self, key),
                    )
                    for key, reason in found
                ],
            )
        return self

    @property
    def own_scaling(self) -> AdvantageScaling:
        """What centred rewards are divided by."""
        return self.advantage.scaling if self.scaling is None else self.scaling

    @property
    def compares_sampler(self) -> bool:
        """Whether the sampler's log-probabilities are kept and compared with the learner's."""
        return self.sampler_correction is not SamplerCorrection.OFF or self.rollout.engine is not RolloutEngineName.HF

    @property
    def mixture(self) -> tuple[RewardConfig, ...]:
        """The rewards, with the penalty of long replies where it is asked for."""
        if self.truncated is not Truncated.PENALISE:
            return self.rewards
        params = {"limit": self.max_new_tokens, "cache": self.overlong_cache}
        return (*self.rewards, RewardConfig(name="overlong", params=params))

    @property
    def loss_beta(self) -> float:
        """Weight of the KL penalty in the loss."""
        return self.beta if self.kl_in is KLPlace.LOSS else 0.0


def contradictions(config: GRPOConfig) -> list[tuple[str, str]]:
    """Settings that cannot be meant together: (key, what is wrong and the fix)."""
    names = [reward.name for reward in config.rewards]
    per_reward = config.reward_order is RewardOrder.NORMALISE_FIRST
    gated = [reward.name for reward in config.rewards if reward.gate or reward.needs]
    set_without_kl = {
        "kl": config.kl is not KLEstimator.K3,
        "kl_in": config.kl_in is not KLPlace.LOSS,
        "kl_clip": config.kl_clip is not None,
        "kl_correction": config.kl_correction,
    }
    penalised = config.truncated is Truncated.PENALISE
    rules = [
        (
            config.micro_tokens is not None and config.loss_type is LossType.BNPO,
            "micro_tokens",
            "`loss_type: bnpo` averages over passes of `micro_prompts` prompts: leave this out",
        ),
        *(
            (wrong and not config.beta, key, "there is no KL penalty: set `beta` above 0, or leave this out")
            for key, wrong in set_without_kl.items()
        ),
        (
            config.kl is KLEstimator.FULL and config.kl_in is KLPlace.REWARD,
            "kl",
            "`full` is a term of the loss: set `kl_in: loss`, or `kl: k1`",
        ),
        (
            config.kl is KLEstimator.FULL and config.kl_correction,
            "kl_correction",
            "`kl: full` is exact, there is nothing to correct: leave this out",
        ),
        (
            config.kl_correction and config.kl_in is KLPlace.REWARD,
            "kl_correction",
            "corrects a gradient, and in the reward the penalty has none: set `kl_in: loss`, or leave this out",
        ),
        (
            config.scaling is not None and not config.advantage.takes_scaling,
            "scaling",
            f"`advantage: {config.advantage}` has its own scaling: leave this out",
        ),
        (
            "mapo" in names
            and (config.advantage is not Advantage.GRPO or config.own_scaling is not AdvantageScaling.NONE),
            "rewards",
            "the reward 'mapo' is an advantage already: set `scaling: none` with `advantage: grpo`; or set "
            "`advantage: mapo` and name the rewards themselves",
        ),
        (
            config.advantage is Advantage.MAPO and config.mapo_by not in names,
            "mapo_by",
            f"no reward is called {config.mapo_by!r}: name one of {', '.join(names)}, or add it with weight 0",
        ),
        (
            per_reward and (config.advantage is not Advantage.GRPO or config.scaling is not None),
            "reward_order",
            "`normalise_then_sum` is an estimator of its own: leave out `scaling`, and `advantage` or set it to grpo",
        ),
        (
            per_reward and bool(gated),
            "reward_order",
            f"`normalise_then_sum` takes every reward alone, so gates and needs ({', '.join(gated)}) have no meaning",
        ),
        (
            per_reward and config.missing is MissingPolicy.RENORMALISE,
            "missing",
            "`renormalise` scales a sum of rewards, `reward_order: normalise_then_sum` has none: set drop_completion",
        ),
        (
            per_reward and bool(config.beta) and config.kl_in is KLPlace.REWARD,
            "kl_in",
            "`reward_order: normalise_then_sum` has no total to subtract a penalty from: set `kl_in: loss`",
        ),
        (
            config.clip_dual is not None and config.loss_type in (LossType.CISPO, LossType.GMPO),
            "clip_dual",
            f"`loss_type: {config.loss_type}` has no dual clip: leave this out",
        ),
        (
            config.clip_dual is not None and config.clip_dual <= 1 + config.clip_high,
            "clip_dual",
            f"must be more than 1 + clip_high = {1 + config.clip_high:g}; the paper takes 3",
        ),
        (
            penalised and config.overlong_cache is None,
            "truncated",
            "`penalise` needs `overlong_cache`, the tokens over which the penalty grows",
        ),
        (
            config.overlong_cache is not None and not penalised,
            "overlong_cache",
            "belongs to `truncated: penalise`: set that, or leave this out",
        ),
        (
            config.overlong_cache is not None and config.overlong_cache > config.max_new_tokens,
            "overlong_cache",
            f"is more than max_new_tokens ({config.max_new_tokens})",
        ),
        (
            penalised and "overlong" in names,
            "rewards",
            "the reward 'overlong' is there twice: leave it out, or set `truncated: keep`",
        ),
        (
            config.rollout.overlap and config.rollout.engine is RolloutEngineName.HF,
            "rollout",
            "`overlap` needs a server beside the trainer: set `engine: vllm`, or leave it out",
        ),
        (
            config.rollout.overlap and config.sampler_correction is SamplerCorrection.OFF,
            "rollout",
            "`overlap` draws with the weights of the draw before: set `sampler_correction: token_truncate`",
        ),
        (
            config.sampler_correction is not SamplerCorrection.OFF and config.top_p < 1,
            "sampler_correction",
            "`top_p` below 1 draws from another distribution than the log-probabilities are of: set `top_p: 1.0`",
        ),
    ]
    return [(key, reason) for wrong, key, reason in rules if wrong]
