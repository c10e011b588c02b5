"""The past of every scene, written as blocks for Prometheus before it starts."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.drilling.scenes import Scene
from scripts.drilling.series import line, moments, number, value
from slo.outcomes import EnvironmentLacks

_WITHIN_S = 300
# Longer than any history, so that promtool reads the file once or twice and not once for every two hours.
_BLOCK = "162h"


def samples(scene: Scene, start_s: float, until_s: float) -> Iterator[str]:
    """Yield each sample of a scene before `until_s`, as OpenMetrics has it, one series after the other."""
    fault = scene.fault(start_s)
    at = list(moments(fault, until_s))
    for signal in scene.case.signals:
        series = line(signal, scene.environment, of_target=False)
        for moment in at:
            sample = value(signal, fault, moment)
            if sample is not None:
                yield f"{series} {number(sample)} {moment:.3f}\n"


def write(scenes: Sequence[Scene], start_s: float, until_s: float, path: Path) -> int:
    """Write the samples of all scenes to `path`; return how many there are."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for scene in scenes:
            for text in samples(scene, start_s, until_s):
                file.write(text)
                count += 1
        file.write("# EOF\n")
    return count


def make_blocks(promtool: Path, text: Path, data: Path) -> None:
    """Turn OpenMetrics text into blocks below `data`; raises EnvironmentLacks with promtool's last line."""
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={_BLOCK}"]
    try:
        done = subprocess.run(
            [*command, "--quiet", str(text), str(data)], capture_output=True, text=True, check=False, timeout=_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLacks(f"promtool wrote no history within {_WITHIN_S} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise EnvironmentLacks(f"promtool writes no history: {said}")
