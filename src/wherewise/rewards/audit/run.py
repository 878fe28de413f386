"""Try every attack on a mixture of rewards and say which ones it pays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.audit.attacks import ATTACKS
from wherewise.rewards.audit.case import Case, without_evidence, writer
from wherewise.rewards.audit.evidence import FORGERIES, false_evidence
from wherewise.rewards.audit.fair import FAIR
from wherewise.rewards.audit.fixtures import FIXTURES
from wherewise.rewards.base import Completion, ReplyGroup
from wherewise.rewards.mixture import Judgement, Rewards
from wherewise.samples import Choice, GridMap, Sample
from wherewise.samples.errors import InputError

SLACK = 0.05
"""What an attack may earn above an honest wrong answer, as a share of what the right reply earns."""

HALF = 0.5
"""An attack must earn less than this share of what the right reply earns; forged evidence at most this share of what
true evidence adds; a right answer in other words at least this share."""

OWN_SAMPLES = 16
"""Of a run's own samples so many are tried, spread over its tasks."""

_LONG = 2000


class Check(StrEnum):
    """What a probe holds a reward to."""

    ATTACK = "attack"
    """A reply that deserves nothing must earn no more than an honest wrong answer, and less than half of a right."""
    EVIDENCE = "evidence"
    """Forged evidence behind a right answer must add at most half of what the true evidence adds."""
    FAIR = "fair"
    """A right answer in other words, or with wrong evidence, must be paid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one probe earned on one sample.

    Attributes:
        probe: Its name.
        about: What it is, in words.
        check: What it is held to.
        sample: The sample's id.
        reply: Its text.
        total: The mixture's total.
        limit: What it had to stay at or below (`ATTACK`, `EVIDENCE`) or reach (`FAIR`).
        right: What the right reply earns on this sample.
        scores: Each reward's value.
        hole: The limit is broken.
    """

    probe: str
    about: str
    check: Check
    sample: str
    reply: str
    total: float
    limit: float
    right: float
    scores: Mapping[str, float | None]
    hole: bool

    @property
    def margin(self) -> float:
        """How far it is on the safe side of its limit; negative for holes."""
        return self.total - self.limit if self.check is Check.FAIR else self.limit - self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes:
        findings: Every probe on every sample.
        judged: Ids of the samples that the mixture can judge.
        passed_over: For each other sample why it was not tried.
    """

    findings: tuple[Finding, ...]
    judged: tuple[str, ...]
    passed_over: Mapping[str, str]

    @property
    def worst(self) -> tuple[Finding, ...]:
        """For each probe the finding that is nearest to breaking its limit, or breaks it most; holes first."""
        worst: dict[str, Finding] = {}
        for finding in self.findings:
            old = worst.get(finding.probe)
            if old is None or (not finding.hole, finding.margin) < (not old.hole, old.margin):
                worst[finding.probe] = finding
        return tuple(sorted(worst.values(), key=lambda finding: not finding.hole))

    @property
    def holes(self) -> tuple[str, ...]:
        """Names of the probes that broke their limit on some sample."""
        return tuple(finding.probe for finding in self.worst if finding.hole)


def spread(samples: Sequence[Sample], most: int = OWN_SAMPLES) -> list[Sample]:
    """The first samples of each task in turn, `most` together."""
    by_task: dict[str, list[Sample]] = {}
    for sample in samples:
        by_task.setdefault(sample.task, []).append(sample)
    depth = max(map(len, by_task.values()), default=0)
    return [group[i] for i in range(depth) for group in by_task.values() if i < len(group)][:most]


def audit(rewards: Rewards, prompt: PromptConfig, samples: Sequence[Sample] = ()) -> AuditReport:
    """Try all probes on a mixture.

    Each right reply, in the prompt's style or a legacy reward's published layout, is compared with what the attack
    earns on the same sample. Group rewards see groups of one.

    Args:
        rewards: The mixture.
        prompt: How samples are put to the model.
        samples: The run's own; with them only fixtures of the same answer kinds are tried. Without them, all.

    Raises:
        InputError: The mixture can judge none of the samples, or a reward fails on one.
    """
    own = spread(samples)
    kinds = {sample.answer.kind for sample in samples}
    fixtures = [sample for sample in FIXTURES if not samples or sample.answer.kind in kinds]
    write, letters = writer(rewards, prompt)
    findings: list[Finding] = []
    judged: list[str] = []
    passed_over: dict[str, str] = {}
    for sample in (*own, *fixtures):
        case = Case(sample=sample, prompt=prompt, write=write, letters=letters)
        scale = _Scale.of(case, rewards)
        if scale.why:
            passed_over[sample.id] = scale.why
        else:
            judged.append(sample.id)
            findings += _probe(case, rewards, scale)
    if not findings:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(passed_over.items())[:3])
        raise InputError(f"the mixture can judge none of the {len(passed_over)} samples of the audit ({reasons})")
    return AuditReport(findings=tuple(findings), judged=tuple(judged), passed_over=passed_over)


def _judge(case: Case, rewards: Rewards, reply: str) -> Judgement:
    # Four characters a token: near enough for rewards that look at lengths.
    completion = Completion(text=reply, truncated=len(reply) > _LONG * 4, tokens=len(reply) // 4)
    try:
        return rewards.judge(ReplyGroup(completions=(completion,), sample=case.sample, prompt=case.prompt))[0]
    except InputError:
        raise
    except Exception as error:
        names = ", ".join(config.name for config in rewards.configs)
        raise InputError(
            f"a reward of [{names}] failed on sample {case.sample.id!r} and the reply {reply[:80]!r}: "
            f"{type(error).__name__}: {error}. Fix: let it score any text"
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """What honest replies to a sample earn.

    Attributes:
        right: The right reply.
        wrong: A well-formed wrong one.
        bare: The right answer without evidence; None where the layout states none, or none is there.
        why: Why the sample can't be tried; empty if it can.
    """

    right: float = 0.0
    wrong: float | None = None
    bare: float | None = None
    why: str = ""

    @classmethod
    def of(cls, case: Case, rewards: Rewards) -> _Scale:
        sample = case.sample
        if isinstance(sample.answer, Choice) and len(sample.options) < 2:
            return cls(why="it has one option only")
        if isinstance(sample.answer, GridMap) and isinstance(sample.evidence, GridMap) and "map" in case.prompt.blocks:
            return cls(why="its evidence is its answer")
        reply = case.right()
        judged = _judge(case, rewards, reply)
        if judged.total is None:
            notes = [score.note for score in judged.scores.values() if score.value is None and score.note]
            return cls(why=(notes or ["a reward could not judge it"])[0])
        if judged.total <= 0:
            return cls(why=f"its right reply earns {judged.total:g}")
        evidence = case.sample.evidence
        unsaid = case.state(without_evidence(evidence)) if evidence is not None else reply
        bare = None if unsaid == reply else _judge(case, rewards, unsaid).total
        return cls(right=judged.total, wrong=_judge(case, rewards, case.wrong()).total, bare=bare)

    @property
    def slack(self) -> float:
        return SLACK * self.right

    @property
    def ceiling(self) -> float:
        """What attacks must stay below."""
        half = HALF * self.right
        return half if self.wrong is None else min(half, self.wrong + self.slack)


_Finder = Callable[[str, str, Check, str, float], "Finding | None"]


def _probe(case: Case, rewards: Rewards, scale: _Scale) -> Iterable[Finding]:
    def finding(probe: str, about: str, check: Check, reply: str, limit: float) -> Finding | None:
        judged = _judge(case, rewards, reply)
        total = judged.total
        if total is None:
            return None
        broken = {
            Check.ATTACK: total > limit or total >= HALF * scale.right,
            Check.EVIDENCE: total > limit + scale.slack / 2,
            Check.FAIR: total < limit,
        }
        return Finding(
            probe=probe,
            about=about,
            check=check,
            sample=case.sample.id,
            reply=reply,
            total=total,
            limit=limit,
            right=scale.right,
            scores={name: score.value for name, score in judged.scores.items()},
            hole=broken[check],
        )

    found: list[Finding | None] = []
    for name, (attack, about) in ATTACKS.items():
        reply = attack(case)
        if reply is not None and reply != case.right():
            limit = HALF * scale.right if name == "wrong_answer" else scale.ceiling
            found.append(finding(name, about, Check.ATTACK, reply, limit))
    for name, (fair, about) in FAIR.items():
        reply = fair(case)
        if reply is not None:
            found.append(finding(name, about, Check.FAIR, reply, HALF * scale.right))
    found += _evidence(case, scale, finding) if scale.bare is not None else []
    return [item for item in found if item is not None]


def _evidence(case: Case, scale: _Scale, finding: _Finder) -> list[Finding | None]:
    """Forged evidence, where true evidence is paid at all; and false evidence, which must not cost the answer."""
    evidence, bare = case.sample.evidence, scale.bare
    assert evidence is not None
    assert bare is not None
    found: list[Finding | None] = []
    if scale.right - bare > scale.slack:
        limit = bare + HALF * (scale.right - bare)
        for name, (forge, about) in FORGERIES.items():
            forged = forge(evidence)
            if forged is not None:
                found.append(finding(name, about, Check.EVIDENCE, case.state(forged), limit))
    false = false_evidence(evidence)
    if false is not None:
        about = "the right answer with wrong evidence, against the same without"
        found.append(finding("false_evidence", about, Check.FAIR, case.state(false), bare - scale.slack))
    return found
