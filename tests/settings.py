"""The real settings on a private directory of this test process: var/, media/ and the Redis-protocol server's socket."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

TEST_DIR = Path(tempfile.mkdtemp(prefix="cutroom-test-"))
atexit.register(shutil.rmtree, TEST_DIR, ignore_errors=True)  # also when the settings below do not load

os.environ["CUTROOM_DOTENV"] = "0"
os.environ["CUTROOM_MODE"] = "embedded"
os.environ["VAR_DIR"] = str(TEST_DIR / "var")
os.environ["MEDIA_ROOT"] = str(TEST_DIR / "media")
os.environ["LOG_LEVEL"] = "WARNING"
os.environ["WORKER_NICE"] = "0"  # beside other tests, workers that give way might wait for ever
for _name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "REDIS_URL", "HOST", "PORT", "HTTPS", "TRUSTED_PROXIES"):
    os.environ.pop(_name, None)
if _database := os.environ.get("CUTROOM_TEST_DATABASE_URL"):  # tests/test_postgres.py runs the tests again with it
    os.environ["DATABASE_URL"] = _database
else:
    os.environ.pop("DATABASE_URL", None)

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Many threads want one row or SQLite's only lock at once in some tests; how long a slow machine lets the last of them wait decides nothing.
_options = DATABASES["default"]["OPTIONS"]  # noqa: F405
if "pool" in _options:
    _options["pool"] = {**_options["pool"], "timeout": 240}
else:
    _options |= {"timeout": 240, "init_command": _options["init_command"].replace("busy_timeout=30000", "busy_timeout=240000")}
# Nor does how long the machine lets the Redis-protocol server wait: a limit that is not counted, or a message not sent, would look like a defect.
REDIS_SECONDS = 240.0
CACHES["default"]["OPTIONS"] |= {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS}  # type: ignore[operator]  # noqa: F405
STATIC_ROOT = TEST_DIR / "static"
STATIC_ROOT.mkdir()
