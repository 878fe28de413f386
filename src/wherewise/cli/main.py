"""The ``wherewise`` command: a table of verbs, each imported only when it runs.

Adding a verb takes one line in `VERBS` and one file with a plain typed function:

    # in VERBS below
    "data validate": Verb("wherewise.cli.data:validate", "Check a dataset; name file, row, field and fix."),

    # src/wherewise/cli/data.py
    def validate(
        dataset: Annotated[Path, typer.Argument(help="Folder with a manifest.json.")],
        limit: Limit = None,
    ) -> None:
        \"\"\"Check a dataset: shown by ``wherewise data validate --help``.\"\"\"

The first word of a two-word verb is a group and needs its line in `GROUPS`. The arguments that verbs share are declared
in `wherewise.cli.options`. A verb module imports torch, transformers and the like inside the function, so that its
``--help`` stays fast. A verb ends by returning (exit code 0), by returning an exit code, or by raising; what exceptions
mean is in `wherewise.cli.errors`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from wherewise import __version__


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: where its function is, and what the list of commands says about it."""

    target: str
    """``module:function``."""
    summary: str
    """One line for ``wherewise --help``."""


VERBS: dict[str, Verb] = {
    "demo": Verb("wherewise.cli.demo:demo", "The whole job on the shipped starter model, on a CPU."),
    "data simulate": Verb("wherewise.cli.data:simulate", "Simulate furnished rooms and ask about them."),
    "data scans": Verb("wherewise.cli.sources:scans", "Ask about annotated room scans (ScanNet, ARKitScenes, ...)."),
    "data graphs": Verb("wherewise.cli.sources:graphs", "Ask about annotated pictures (Visual Genome, CLEVR, NLVR)."),
    "data photos": Verb("wherewise.cli.photos:photos", "Ask about a folder of photographs."),
    "data write": Verb("wherewise.cli.write:write", "Let a language model write questions about pictures."),
    "data exclusions": Verb("wherewise.cli.sources:exclusions", "List a benchmark's scenes, to train on none of them."),
    "data lessons": Verb("wherewise.cli.lessons:lessons", "Ask what shows ask their viewers: clips with subtitles."),
    "data labels": Verb("wherewise.cli.lessons:labels", "Check label files of shows by DORA's published rules."),
    "data families": Verb("wherewise.cli.families:families", "List what can be asked, with answers and margins."),
    "data overlay": Verb("wherewise.cli.overlay:overlay", "Draw times and subtitles on a clip, as a model sees it."),
    "data validate": Verb("wherewise.cli.data:validate", "Check a dataset; name file, row, field and fix."),
    "data drop": Verb("wherewise.cli.drop:drop", "Leave out the samples that were flagged in a gallery."),
    "data formats": Verb("wherewise.cli.convert:formats", "List the dataset formats that are read and written."),
    "data convert": Verb("wherewise.cli.convert:convert", "Read a dataset in one format, write it in another."),
    "data card": Verb("wherewise.cli.publish:card", "Write a dataset's card: contents, licence, making."),
    "data push": Verb("wherewise.cli.publish:push", "Upload a dataset to the Hugging Face hub, private by default."),
    "sft": Verb("wherewise.cli.train:sft", "Fine-tune a model on the target replies of a dataset."),
    "grpo": Verb("wherewise.cli.train:grpo", "Improve a model by rewarding verified replies (GRPO)."),
    "eval list": Verb("wherewise.cli.evaluate:list_benchmarks", "List the benchmarks."),
    "eval run": Verb("wherewise.cli.evaluate:run", "Evaluate a model on a benchmark, or go on with a cut run."),
    "eval rescore": Verb("wherewise.cli.evaluate:rescore", "Score stored replies anew; no model runs."),
    "eval compare": Verb("wherewise.cli.evaluate:compare", "Compare two runs question by question."),
    "eval seeds": Verb("wherewise.cli.evaluate:seeds", "Mean and spread of runs that differ by their seed."),
    "eval reasoning": Verb("wherewise.cli.evaluate_reasoning:reasoning", "Do answers follow from their reasoning?"),
    "eval suite": Verb("wherewise.cli.evaluate_suite:suite", "Run several benchmarks; one table, one figure."),
    "eval contamination": Verb("wherewise.cli.evaluate_data:contamination", "Look for a benchmark in training data."),
    "export verl": Verb("wherewise.cli.hand_over:export_verl", "Write a GRPO config as a folder for verl."),
    "export swift": Verb("wherewise.cli.hand_over:export_swift", "Write a GRPO config as a folder for ms-swift."),
    "export inspect": Verb("wherewise.cli.evaluate_data:export_inspect", "Write an evaluation as an inspect-ai log."),
    "export lmms-eval": Verb("wherewise.cli.evaluate_data:export_lmms_eval", "Write a benchmark as an lmms-eval task."),
    "reward list": Verb("wherewise.cli.reward:list_rewards", "List the rewards."),
    "reward score": Verb("wherewise.cli.reward:score", "Score replies: JSONL in, JSONL out."),
    "reward audit": Verb("wherewise.cli.reward:audit", "Try a mixture of rewards with replies that deserve nothing."),
    "answers parse": Verb("wherewise.cli.answers:parse", "Parse replies: JSONL in, JSONL out."),
    "judge check": Verb("wherewise.cli.judge:check", "Call a judge and compare it with known verdicts."),
    "judge serve-command": Verb("wherewise.cli.judge:serve_command", "Print the vLLM command that serves a judge."),
    "recipe list": Verb("wherewise.cli.recipe:list_recipes", "List published recipes."),
    "recipe run": Verb("wherewise.cli.recipe:run_recipe", "Run a published recipe, or with --tiny a miniature of it."),
    "recipe copy": Verb("wherewise.cli.recipe:copy", "Copy a recipe's configs, to change them."),
    "merge": Verb("wherewise.cli.merge:merge", "Merge adapters or shards into a plain Hugging Face folder."),
    "view": Verb(
        "wherewise.cli.view:view", "Pages of a dataset, of runs and evaluations, of two of them, of a live run."
    ),
    "chat": Verb("wherewise.cli.chat:chat", "Ask a model about a picture or a clip, in the browser."),
    "init": Verb("wherewise.cli.init:init", "Write a commented config for your model, data and GPU."),
    "doctor": Verb(
        "wherewise.cli.doctor:doctor", "Check this machine and installation; name the fix for each finding."
    ),
}
"""All verbs, in the order in which help lists them; ``group verb`` for those in a group."""

GROUPS: dict[str, str] = {
    "data": "Make, check, convert and split datasets.",
    "eval": "Run benchmarks, score their answers, compare two runs.",
    "export": "Hand training, evaluations and benchmarks over to other tools.",
    "recipe": "Published experiments as lists of commands.",
    "reward": "List rewards, score replies with them, look for holes in them.",
    "answers": "Parse replies into answers.",
    "judge": "Check and serve the model that judges texts.",
}
"""What the list of commands says about the first word of two-word verbs; a group without verbs isn't shown."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells do."""

ROOT_HELP = """Teach vision-language models where things are, and when.

'wherewise demo' does the whole job on the tiny model in the package; 'wherewise COMMAND --help' explains a command.
"""


class Interrupted(BaseException):
    """Ctrl-C inside a verb, under a name that the parser doesn't catch; the KeyboardInterrupt is its cause."""


class LazyGroup(TyperGroup):
    """A group of verbs that lists them from the table and imports one only to run it."""

    verbs: Mapping[str, Verb]
    groups: Mapping[str, str]
    prefix = ""
    """The words before this group's own: "" for the root, ``"data "`` for the group ``data``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The words that may follow, in the table's order."""
        inside = (name.removeprefix(self.prefix) for name in self.verbs if name.startswith(self.prefix))
        return list(dict.fromkeys(name.partition(" ")[0] for name in inside))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The group or verb called ``cmd_name``, its module imported now; None if there is none."""
        name = self.prefix + cmd_name
        if name in self.verbs:
            return _verb_command(name, self.verbs[name])
        if cmd_name in self.list_commands(ctx):
            return _group_command(name, self.groups[name], self.verbs, self.groups)
        return None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, self._summary(word)) for word in self.list_commands(ctx)])

    def _summary(self, word: str) -> str:
        name = self.prefix + word
        return self.verbs[name].summary if name in self.verbs else self.groups[name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or end with exit code 2 and the nearest names."""
        word = args[0]
        known = self.list_commands(ctx)
        if word not in known and not word.startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(word, known, n=1)
            elsewhere = [name for name in self.verbs if name.partition(" ")[2] == word or name == word]
            hint = [self.prefix + close[0]] if close else elsewhere
            ctx.fail(f"There is no command '{self.prefix}{word}'." + (f" Did you mean '{hint[0]}'?" if hint else ""))
        return super().resolve_command(ctx, args)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point: run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str], *, verbs: Mapping[str, Verb] = VERBS, groups: Mapping[str, str] = GROUPS) -> int:
    """Run one command line; errors become messages on stderr.

    Args:
        argv: the words after ``wherewise``.
        verbs: the table of verbs.
        groups: the summaries of the groups in ``verbs``.

    Returns:
        The exit code.
    """
    root = root_command(verbs, groups)
    try:
        result = root.main(list(argv), prog_name="wherewise", standalone_mode=False)
        sys.stdout.flush()
    except (Interrupted, typer.Abort) as stop:  # the parser turns an EOFError, and of old Ctrl-C, into Abort
        return _report(stop.__cause__ or KeyboardInterrupt(), argv, verbs)
    except (Exception, KeyboardInterrupt) as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of the parser
            error.show()
            return int(error.exit_code)
        return _report(error, argv, verbs)
    if result == INTERRUPTED:  # Ctrl-C while the parser was at work or a verb was being imported
        return _report(KeyboardInterrupt(), argv, verbs)
    return result if isinstance(result, int) else 0


def root_command(verbs: Mapping[str, Verb] = VERBS, groups: Mapping[str, str] = GROUPS) -> LazyGroup:
    """The whole command tree, nothing of it imported yet."""
    app = _new_app(cls=LazyGroup, help=ROOT_HELP, no_args_is_help=True)

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
        ] = False,
    ) -> None:
        pass

    return _as_lazy_group(app, "", verbs, groups)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _new_app(**settings: Any) -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **settings)


def _as_lazy_group(app: typer.Typer, prefix: str, verbs: Mapping[str, Verb], groups: Mapping[str, str]) -> LazyGroup:
    group = get_command(app)
    assert isinstance(group, LazyGroup)
    group.prefix, group.verbs, group.groups = prefix, verbs, groups
    return group


def _group_command(name: str, summary: str, verbs: Mapping[str, Verb], groups: Mapping[str, str]) -> LazyGroup:
    app = _new_app(cls=LazyGroup, help=summary, no_args_is_help=True)
    app.callback()(lambda: None)
    return _as_lazy_group(app, name + " ", verbs, groups)


def _verb_command(name: str, verb: Verb) -> Any:
    module, _, function = verb.target.partition(":")
    body = getattr(importlib.import_module(module), function)

    @functools.wraps(body)
    def interruptible(*args: Any, **kwargs: Any) -> Any:
        try:
            return body(*args, **kwargs)
        except KeyboardInterrupt as stop:
            raise Interrupted from stop

    app = _new_app()
    app.command(name=name.rpartition(" ")[2])(interruptible)
    return get_command(app)


def _report(error: BaseException, argv: Sequence[str], verbs: Mapping[str, Verb]) -> int:
    from wherewise.cli.errors import report  # imports a room, which the way to --help need not

    verb = verbs.get(" ".join(argv[:2])) or verbs.get(" ".join(argv[:1]))
    module, _, function = verb.target.partition(":") if verb else ("", "", "")
    body = getattr(sys.modules.get(module), function, None)
    resumable = body is not None and "resume" in inspect.signature(body).parameters
    return int(report(error, resumable=resumable))
