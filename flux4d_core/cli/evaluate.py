"""`flux4d evaluate`: methods side by side on held-out frames."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from flux4d_core.cli.logs import MAX_SEED
from flux4d_core.cli.options import (
    CameraNames,
    DepthChoice,
    Device,
    LabelFile,
    WeightsFile,
    check_folder,
    check_number,
    check_output,
    pick_device,
)
from flux4d_core.cli.progress import progress_bar
from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.clips import ClipSource, Opening, Piece, Street
from flux4d_core.evaluation.methods import METHODS, MethodName
from flux4d_core.evaluation.presets import PRESETS, PresetName
from flux4d_core.evaluation.protocol import Plan, Protocol, check, freeze, read_protocol
from flux4d_core.evaluation.run import Tools, run, title
from flux4d_core.evaluation.store import Store, summary, total
from flux4d_core.evaluation.table import as_markdown, intervals_of
from flux4d_core.learning.split import SplitConfig
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.progress import Report
from flux4d_core.writing import written_whole

OptionalPath = Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]


@dataclass(frozen=True)
class Subject:
    """What the methods are tried on: a log, --seeds, a --preset, or what a --protocol names."""

    log: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[LOG]", help_behavior_hint="")] = None
    """Folder of a driving log; or leave it out and name one of the next three."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT ...", help_behavior_hint="")] = ()
    """Numbers of simulated streets, instead of a log; the table is their mean."""
    preset: Annotated[PresetName | None, tyro.conf.arg(help_behavior_hint="")] = None
    """streets: 9000 to 9039; pandaset: Flux4D's protocol; waymo: DrivingRecon's scenes."""
    protocol: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Run what this protocol.json froze, and refuse if data, weights or definitions are not its own."""
    root: OptionalPath = None
    """The folder that holds the logs of a preset or protocol."""
    labels: LabelFile = None
    """Labelled boxes of the log: which pixels are dynamic, and true velocities; simulated logs know both."""
    start: float = 0.0
    """Seconds after the log's first sweep; the duration follows from the split."""
    cameras: CameraNames = ()
    """Names of the cameras to read."""

    def check(self) -> None:
        """Refuse what contradicts itself."""
        named = {"the folder of a log": self.log, "--seeds": self.seeds, "--preset": self.preset}
        named["--protocol"] = self.protocol
        given = [name for name, value in named.items() if value is not None and value != ()]
        if len(given) != 1:
            found = "neither" if not given else "both" if len(given) == 2 else "several"
            raise Flux4dError(
                "evaluate: expected the folder of a log, --seeds, --preset or --protocol, "
                f"found {found}; give one of them"
            )
        if self.log is None and (self.start != 0 or self.cameras):
            raise Flux4dError(f"evaluate: --start and --cameras go with a log, not with {given[0]}")
        if self.labels is not None and self.log is None and self.protocol is None:
            raise Flux4dError(f"evaluate: --labels goes with a log, not with {given[0]}")
        if self.root is not None and (self.log is not None or self.seeds or self.preset == "streets"):
            raise Flux4dError("evaluate: --root goes with --preset pandaset, --preset waymo or --protocol")
        for seed in self.seeds:
            check_number("--seeds", seed, 0, MAX_SEED)
        if len(set(self.seeds)) < len(self.seeds):
            raise Flux4dError("--seeds: expected every street once, found one named twice")

    @property
    def folder(self) -> Path:
        """That holds the logs."""
        return self.log.resolve().parent if self.log is not None else self.root or Path()

    @property
    def clips(self) -> tuple[ClipSource, ...]:
        if self.log is not None:
            return (Piece(self.log.resolve().name, self.start, self.cameras),)
        return PRESETS[self.preset]() if self.preset is not None else tuple(Street(seed) for seed in self.seeds)

    @property
    def name(self) -> str:
        """Of the protocol, and with their number of the table of many."""
        if self.log is not None:
            return self.clips[0].name
        if self.preset in (None, "streets"):
            return "simulated streets"
        return f"clips of {self.preset}"


@dataclass(frozen=True)
class Comparison:
    """What is compared, and on which frames."""

    methods: Annotated[tuple[MethodName, ...], tyro.conf.arg(metavar="NAME ...")] = METHODS
    """Rows of the table."""
    optimize: int = 1000
    """Steps of per-scene optimisation in the rows that optimise."""
    novel_views: bool = True
    """On simulated streets, also compare with exact images from 1, 2 and 3 m beside the path and from 1 m above."""
    leave_out: Annotated[str | None, tyro.conf.arg(metavar="CAMERA", help_behavior_hint="")] = None
    """A camera that no method is given, and that is predicted, on logs with several."""
    adapt: float = 0.0
    """Seconds for which the network first learns from each clip's inputs, without labels."""
    split: SplitConfig = field(default_factory=SplitConfig)
    depth: Annotated[DepthChoice, tyro.conf.arg(name="")] = field(default_factory=DepthChoice)


def evaluate(
    subject: Annotated[Subject, tyro.conf.arg(name="")],
    comparison: Annotated[Comparison, tyro.conf.arg(name="")],
    output: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None,
    json_file: Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help_behavior_hint="")] = None,
    checkpoint: WeightsFile = None,
    device: Device = "auto",
) -> None:
    """Set methods side by side on held-out frames of a log, or of simulated streets, and print one table.

    Args:
        subject: The log, the streets, or a protocol of many.
        comparison: The methods and the frames.
        output: Folder for protocol.json (frozen: `--protocol` runs it again), results.json, clips.csv, table.md and
            gallery/ (the worst ten by metric). Each finished clip is stored at once: the same command goes on where
            it was stopped.
        json_file: Also write the table as JSON: "log", "weights", "rows", "flows" by method, "flow", that of
            feed_forward, or null, and "novel_views". A row has
            "method", "frames" (interpolated or future), "pixels" (full or dynamic), "psnr" (dB), "ssim", "gmsd",
            "lpips", "depth_rmse" (m), "velocity_rmse" (m/s), "holes" (share), "seconds" and "count" (of frames). Flow
            has "moving_error", "nothing_moves_error", "standing_error" (m/s), "epe3d" (m) and the others printed
            below the table. With several clips, "clips" lists one such table for each, and "intervals" says how far
            means can be trusted. What is not known is null.
        checkpoint: Weights to use.
        device: Where to compute.
    """
    subject.check()
    if json_file is not None:
        check_output(json_file, None, "--json")
    if output is not None:
        check_folder(output, f"--output {output}")
    _check_depth(subject, comparison, output)
    frozen, plan = _plan(subject, comparison)
    _check_plan(plan)
    chosen = pick_device(device)
    weights = None
    if "feed_forward" in plan.methods:
        weights = load_checkpoint(checkpoint or default_weights(), chosen)
    opening = Opening(plan.split, subject.folder, subject.labels, plan.novel_views, comparison.depth.source)
    tools = Tools(opening, weights, chosen)
    with progress_bar() as report:
        store = _store(frozen, plan, tools, output, report)
        results = run(plan, tools, store, report)
    table = total(results, title(plan, len(results)))
    print(as_markdown(table, intervals_of(results)))
    if json_file is not None:
        _write_json(summary(results, table), json_file)


def _check_depth(subject: Subject, comparison: Comparison, output: Path | None) -> None:
    depth = comparison.depth
    depth.source.check()
    if subject.log is None and depth.depth is not None:
        raise Flux4dError(f"--depth {depth.depth}: goes with a log, whose images its files are named after")
    if output is not None and (depth.depth or depth.depth_model):
        raise Flux4dError(
            "--output: freezes a protocol with the hashes of all data, which depth maps have none of; take --json"
        )


def _plan(subject: Subject, comparison: Comparison) -> tuple[Protocol | None, Plan]:
    if subject.protocol is not None:
        if comparison != Comparison():
            raise Flux4dError(
                "--protocol: --methods, --split, --optimize, --novel-views and --leave-out are the protocol's own; "
                "leave them out"
            )
        frozen = read_protocol(subject.protocol)
        return frozen, frozen.plan
    if subject.preset in ("pandaset", "waymo") and subject.root is None:
        raise Flux4dError(f"--preset {subject.preset}: expected --root FOLDER, the folder that holds its logs")
    return None, Plan(
        name=subject.name,
        clips=subject.clips,
        split=comparison.split,
        methods=comparison.methods,
        optimize=comparison.optimize,
        novel_views=comparison.novel_views,
        leave_out=comparison.leave_out,
        lidar=not comparison.depth.no_lidar,
        adapt=comparison.adapt,
    )


def _check_plan(plan: Plan) -> None:
    """Refuse numbers with which nothing can be compared."""
    if not plan.methods:
        raise Flux4dError(f"--methods: expected one or more of {', '.join(METHODS)}, found none")
    check_number("--optimize", plan.optimize, 1, 1_000_000)
    check_number("--adapt", plan.adapt, 0, 1_000_000)
    check_number("--split.first", plan.split.first, 0, 10_000)
    check_number("--split.stride", plan.split.stride, 1, 100)
    check_number("--split.inputs", plan.split.inputs, 2, 1000)
    check_number("--split.future", plan.split.future, 0, 1000)
    for source in plan.clips:
        if isinstance(source, Street):
            check_number("--seeds", source.seed, 0, MAX_SEED)


def _store(frozen: Protocol | None, plan: Plan, tools: Tools, output: Path | None, report: Report) -> Store | None:
    """Checks a given protocol; freezes one where there is a folder for it."""
    if frozen is not None:
        check(frozen, tools.opening, tools.weights_name, report)
    if output is None:
        return None
    return Store.begin(output, frozen or freeze(plan, tools.opening, tools.weights_name, report))


def _write_json(content: dict[str, Any], path: Path) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
