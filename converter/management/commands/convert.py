"""`manage.py convert`: one operation on local files, with no server and no database."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, handle_default_options

from converter.engine import files, probe, run
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.operations import all_operations, get
from converter.engine.operations.base import Operation
from converter.engine.params import Spec, specs
from converter.engine.timecode import format_time

BAD_INPUT, OUR_FAULT = 2, 1
_SAME = {"mp4": {"m4v"}, "jpg": {"jpeg"}, "ogg": {"oga", "opus"}}
_BAR = 30


class Command(BaseCommand):
    """Flags come from the operation's own parameters; exit status 0 done, 2 bad input, 1 our fault."""

    help = "Run one operation on local files. Add --operation NAME to --help to see its parameters."
    requires_system_checks: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._operation: Operation[Any] | None = None
        self._signal = 0

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django's, but every refusal is one line and its exit status says whose fault it is."""
        try:
            self._operation = _chosen(argv[2:])
            options = self._parsed(argv)
            self.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            self.stderr.write(" ".join(str(error).split()))
            sys.exit(error.returncode)

    def _parsed(self, argv: list[str]) -> dict[str, Any]:
        try:
            namespace = self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except CommandError as error:
            raise CommandError(f"{str(error).removeprefix('Error: ')}; see --help.", returncode=BAD_INPUT) from error
        handle_default_options(namespace)
        return vars(namespace)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="+", metavar="SOURCE", help="Media file; several for operations that take several.")
        parser.add_argument("target", metavar="TARGET", help="File to make; its ending must fit what the operation makes.")
        parser.add_argument("--operation", required=True, metavar="NAME", help=f"One of {', '.join(all_operations())}.")
        parser.add_argument("--preset", default="", metavar="NAME", help="Start from this preset's parameters.")
        parser.add_argument("--overwrite", action="store_true", help="Replace TARGET when it exists.")
        parser.add_argument("--json", action="store_true", help="Print the result as one JSON object.")
        if self._operation is None:
            return
        group = parser.add_argument_group(f"parameters of {self._operation.name}")
        for spec in specs(self._operation.params):
            _add_flag(group, spec)

    def handle(self, *args: Any, **options: Any) -> None:
        params = {name.removeprefix("param_"): value for name, value in options.items() if name.startswith("param_") and value is not None}
        target = Path(options["target"])
        try:
            with self._stoppable():
                result = self._convert([Path(name) for name in options["source"]], target, params, options)
        except MediaError as error:
            raise self._refusal(error, options["verbosity"]) from error
        except OSError as error:
            raise CommandError(f"{error.filename or target}: {error.strerror or error}.", returncode=OUR_FAULT) from error
        self._tell(result, target, as_json=options["json"])

    def _convert(self, paths: list[Path], target: Path, params: dict[str, Any], options: dict[str, Any]) -> run.Result:
        operation, preset, overwrite = options["operation"], options["preset"] or None, options["overwrite"]
        _check_target(target, paths, overwrite=overwrite)
        sources = [self._source(path) for path in paths]
        _check_extension(target, run.plan(operation, [source.media for source in sources], params, preset).extension)
        progress = _Bar().show if sys.stderr.isatty() else None
        with _work_beside(target) as work:
            result = run.execute(operation, sources, params, work=work, preset=preset, progress=progress, stop=lambda: self._signal != 0)
            _publish(result, target, overwrite=overwrite)
        return result

    def _source(self, path: Path) -> run.Source:
        if self._signal:
            raise MediaError("cancelled")
        _check_source(path)
        try:
            return run.Source(path, probe.inspect(path, path.name))
        except MediaError as error:
            raise MediaError(error.code.name, f"{path}: {error.detail}", field=error.field, log=error.log) from error

    def _refusal(self, error: MediaError, verbosity: int) -> CommandError:
        if error.code.name == "cancelled":
            return CommandError("Cancelled; nothing was written.", returncode=128 + (self._signal or signal.SIGINT))
        said = error.detail if error.users or verbosity < 2 else f"{error.detail} {error.log}"
        return CommandError(f"{error.code.name}: {said}", returncode=BAD_INPUT if error.users else OUR_FAULT)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Turn Ctrl-C and a request to end into a stop that cleans up after itself."""

        def remember(number: int, frame: object) -> None:
            self._signal = number

        before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tell(self, result: run.Result, target: Path, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_as_dict(result, target)))
            return
        for warning in result.warnings:
            self.stderr.write(f"Note: {warning}", self.style.WARNING)
        self.stdout.write(f"{target}: {', '.join(_facts(result))}")


class _Bar:
    """A progress bar on a terminal; wipes itself at the end."""

    def show(self, progress: run.Progress) -> None:
        """Draw it anew."""
        if progress.fraction >= 1:
            sys.stderr.write("\r\033[K")
        else:
            done = int(progress.fraction * _BAR)
            left = f" · {format_time(round(progress.eta_seconds))} left" if progress.eta_seconds is not None else ""
            sys.stderr.write(f"\r[{'#' * done}{'.' * (_BAR - done)}] {progress.fraction:4.0%} {progress.stage}{left}\033[K")
        sys.stderr.flush()


def _chosen(argv: list[str]) -> Operation[Any] | None:
    """The operation that the arguments name, so that its flags can be declared before they are read."""
    for index, word in enumerate(argv):
        name = (
            word.partition("=")[2] if word.startswith("--operation=") else argv[index + 1] if word == "--operation" and index + 1 < len(argv) else ""
        )
        if name:
            try:
                return get(name)
            except MediaError as error:
                raise CommandError(f"{error.code.name}: {error.detail}", returncode=BAD_INPUT) from error
    return None


def _add_flag(group: Any, spec: Spec) -> None:
    flag = "--" + spec.name.replace("_", "-")
    names = ", ".join(value for value, _ in spec.choices)
    about = ", ".join(filter(None, (spec.unit, names, "" if spec.default in (None, "", ()) else f"default {spec.default}")))
    text = f"{spec.help} ({about})" if about else spec.help
    metavar = {"list": "A,B|JSON", "choice": "NAME", "flag": "yes|no"}.get(spec.type, spec.type.upper())
    group.add_argument(flag, dest=f"param_{spec.name}", type=_listed if spec.type == "list" else str, metavar=metavar, help=text.replace("%", "%%"))


def _listed(text: str) -> list[Any]:
    """`A,B`, or a JSON list where the elements are objects."""
    if text.lstrip().startswith("["):
        try:
            return list(json.loads(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"not a JSON list: {error}") from error
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_source(path: Path) -> None:
    if not path.exists():
        raise MediaError("not_found", f"{path} does not exist.")
    if not path.is_file():
        raise MediaError("unsupported_media", f"{path} is not a file.")
    if not os.access(path, os.R_OK):
        raise MediaError("not_allowed", f"{path} may not be read.")


def _check_target(target: Path, sources: list[Path], *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise MediaError("not_found", f"The directory {target.parent} does not exist.")
    if target.is_dir():
        raise MediaError("conflict", f"{target} is a directory; name a file in it.")
    if not target.exists():
        return
    if any(source.exists() and target.samefile(source) for source in sources):
        raise MediaError("conflict", f"{target} is a source too; name another file.")
    if not overwrite:
        raise MediaError("conflict", f"{target} exists; add --overwrite to replace it.")


def _check_extension(target: Path, extension: str) -> None:
    named = target.suffix.lower().removeprefix(".")
    if named != extension and named not in _SAME.get(extension, ()):
        raise MediaError("bad_parameter", f"{target.name} must end in .{extension}, which is what comes out.", field="target")


@contextmanager
def _work_beside(target: Path) -> Iterator[Path]:
    """A hidden private directory on the target's file system, removed whatever happens."""
    try:
        work = Path(tempfile.mkdtemp(prefix=".cutroom-", dir=target.parent.resolve()))
    except PermissionError as error:
        raise MediaError("not_allowed", f"The directory {target.parent} may not be written to.") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _publish(result: run.Result, target: Path, *, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise MediaError("conflict", f"{target} exists; add --overwrite to replace it.")
    mask = os.umask(0o077)
    os.umask(mask)
    result.path.chmod(0o666 & ~mask)
    files.publish(result.path, target)


def _facts(result: run.Result) -> Iterator[str]:
    video = result.media.video
    if video is not None:
        yield f"{video.width}×{video.height}"
        if (video.frames or 0) > 1:
            yield f"{video.frames} frames"
    if result.media.duration:
        yield f"{result.media.duration:.2f} s"
    yield megabytes(result.size)


def _as_dict(result: run.Result, target: Path) -> dict[str, Any]:
    metrics = result.metrics
    return {
        "target": str(target),
        "operation": result.plan.operation,
        "params": dict(result.plan.params),
        "size": result.size,
        "sha256": result.sha256,
        "media": result.media.summary(),
        "warnings": list(result.warnings),
        "tools": result.tools,
        "metrics": {
            "wall_seconds": round(metrics.wall_seconds, 3),
            "cpu_seconds": round(metrics.cpu_seconds, 3),
            "peak_memory": metrics.peak_memory,
        },
    }
