"""compose.yaml and the Dockerfile fit the code: what they name exists, and what they set is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_settings import read_variables

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_every_part_is_there(services: dict[str, Any]) -> None:
    assert set(services) == {"migrate", "web", "worker", "control", "postgres", "redis"}
    assert "media" in services["worker"]["command"]
    assert "control" in services["control"]["command"]
    for name in ("web", "worker", "control"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["volumes"] == services["web"]["volumes"]


def test_every_variable_that_is_set_is_read(services: dict[str, Any]) -> None:
    known = read_variables()
    assert set(services["web"]["environment"]) <= known
    dockerfile = (ROOT / "Dockerfile").read_text()
    block = re.search(r"^ENV (.*?)\n(?!    )", dockerfile, re.MULTILINE | re.DOTALL)
    assert block is not None
    names = set(re.findall(r"\b([A-Z_]+)=", block[1]))
    assert names - known == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "MALLOC_ARENA_MAX"}


def test_our_image_is_made_here_and_fetched_from_nowhere(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service["image"] == "cutroom"} == {"migrate", "web", "worker", "control"}
    assert all(service.get("build") == "." for service in services.values() if service["image"] == "cutroom")


def test_machine_code_is_made_where_it_runs(services: dict[str, Any]) -> None:
    """Made while the image is built it would be of that machine's processor, and of no use on another."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    place = re.search(r"GIF_KERNELS=(\S+)", dockerfile)
    assert place is not None and any(place[1].startswith(volume.partition(":")[2] + "/") for volume in services["worker"]["volumes"])
    assert "gif.warm" not in dockerfile.partition("\nUSER ")[0]
    assert 'gif.warm "$$GIF_KERNELS"' in services["migrate"]["command"][-1]


def test_nothing_private_has_a_default(services: dict[str, Any]) -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD"):
        assert f"${{{name}:?" in text
        assert not re.search(rf"\${{{name}(:-[^}}]*)?}}", text)


def test_the_image_is_not_root_and_keeps_nothing_private() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "USER cutroom" in text
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "var", "media/*", ".venv"} <= set(ignored)
