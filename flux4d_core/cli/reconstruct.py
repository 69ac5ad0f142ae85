"""`flux4d reconstruct`: a window of a log to a scene file."""

from dataclasses import replace
from typing import Annotated

import tyro

from flux4d_core.cli.options import (
    DepthChoice,
    Device,
    LogOptions,
    OutputFile,
    WeightsFile,
    WindowOptions,
    check_number,
    check_output,
    pick_device,
)
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.window import cut
from flux4d_core.learning.adapt import AdaptConfig
from flux4d_core.learning.adapt import adapt as adapt_to_drive
from flux4d_core.learning.improve import align_judged, without_refinement
from flux4d_core.model.checkpoint import default_weights, load_checkpoint
from flux4d_core.reconstruction.align import AlignConfig
from flux4d_core.reconstruction.depth import with_depth
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.sharing import warn_of_terms


def reconstruct(
    source: Annotated[LogOptions, tyro.conf.arg(name="")],
    part: Annotated[WindowOptions, tyro.conf.arg(name="")],
    depth: Annotated[DepthChoice, tyro.conf.arg(name="")],
    output: OutputFile,
    checkpoint: WeightsFile = None,
    adapt: float = 0.0,
    optimize: int = 0,
    refine_poses: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    device: Device = "auto",
) -> None:
    """Turn a window of a log into a scene file.

    Args:
        source: The log.
        part: The window.
        depth: The sources of depth.
        output: The scene file to write (.f4d); one that exists is replaced.
        checkpoint: Weights to use.
        adapt: Seconds of training on this log first, without labels. Some of the window's images are held out to judge
            by; if they do not come out better, the weights stay as they were.
        optimize: Steps of per-scene optimisation after the network: sharper, but slow.
        refine_poses: First bring ego poses, camera mountings and clocks into agreement, from the log itself; kept only
            where images that are held out come out better.
        device: Where to compute.
    """
    check_output(output, ".f4d")
    check_number("--adapt", adapt, 0, 1_000_000)
    check_number("--optimize", optimize, 0, 1_000_000)
    depth.source.check()
    chosen = pick_device(device)
    weights = load_checkpoint(checkpoint or default_weights())
    log = source.open()
    with progress_bar() as report:
        clip = with_depth(cut(log, part.window, report), log, depth.source, chosen, report)
        clip = replace(clip, sweeps=()) if depth.no_lidar else clip
        aligned = adapted = None
        if refine_poses:
            compile_kernels(report, chosen)
            aligned = align_judged(clip, without_refinement(weights, chosen), AlignConfig(), report)
            clip = aligned.clip
        if adapt > 0:
            compile_kernels(report, chosen)
            adapted = adapt_to_drive(weights, clip, log, AdaptConfig(seconds=adapt), chosen, report)
            weights = adapted.checkpoint
        config = SceneConfig(optimize=OptimizeConfig(steps=optimize))
        scene = make_scene_of(clip, weights, config, chosen, report)
        report("Saving", 0.0)
        write_scene(scene, output)
    warn_of_terms(scene.provenance, output)
    if aligned is not None:
        found = "; ".join(correction.sentence for correction in aligned.corrections)
        print(f"Aligned: {aligned.judgement.sentence}" + (f" ({found})" if found else ""))
    if adapted is not None:
        print(f"Adapted to this log: {adapted.sentence}")
    moving = int((scene.grouping.actor_index >= 0).sum())
    print(
        f"{output}: {scene.duration:.2f} s, {len(scene.gaussians)} Gaussians, {moving} of them in "
        f"{len(scene.grouping.actors)} moving actors"
    )
