#!/usr/bin/env bash
# Cutroom with one command; nothing is needed but bash and Python 3.11 or newer.
#
#   ./build.sh                 install: .venv/, requirements, database, static files
#   ./build.sh run             install, then run on http://$HOST:$PORT (127.0.0.1:8000); Ctrl-C stops everything
#   ./build.sh test [ARGS…]    install the test tools too and run every check; ARGS go to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

VENV=.venv
PY=$VENV/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '%s\n' "$*" >&2; }
fail() { say "build.sh: $*"; exit 1; }

# The first Python on PATH that is new enough; a shim that leads nowhere fails when it is run.
find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and is not on PATH; install it, or name it: PYTHON=/path/to/python3 ./build.sh"
}

make_venv() {
    if [ -x "$PY" ] && "$PY" -c 'import pip' >/dev/null 2>&1; then return; fi
    local python
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        fail "$python cannot make a virtual environment; install its venv module (Debian, Ubuntu: apt-get install python3-venv) and run this again"
    say "Making $VENV with $("$python" -V)"
    "$python" -m venv --clear "$VENV" || fail "$python could not make a virtual environment; the lines above say why"
}

# $1: requirements file. Does nothing when this very file was installed completely before.
install_requirements() {
    local file=$1 stamp="$VENV/.installed-$1" want try
    want=$(cat requirements*.txt | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then return; fi
    say "Installing $file"
    for try in 1 2 3; do
        if "$PY" -m pip install --quiet --retries 10 --timeout 60 -r "$file"; then
            printf '%s\n' "$want" >"$stamp"
            return
        fi
        say "That did not work (try $try of 3)"
        sleep $((try * 5))
    done
    fail "$file could not be installed; the lines above say why"
}

# $1: a variable that names a folder, $2: its default. Read as the site reads it: from the environment, then from .env.
folder() {
    local found
    found=$("$PY" -c 'import sys; from config import env; print(env.path(sys.argv[1], env.BASE_DIR / sys.argv[2]))' "$1" "$2") ||
        fail "$1 could not be read; the lines above say why"
    printf '%s\n' "${found:-$2}"
}

compile_catalogues() {
    local po
    for po in config/locale/*/LC_MESSAGES/*.po; do
        if [ -e "$po" ] && [ ! "${po%.po}.mo" -nt "$po" ]; then
            "$PY" manage.py catalogues --compile || fail "the translations could not be compiled"
            return
        fi
    done
}

collect_static() {
    local stamp want
    stamp=$(folder STATIC_ROOT staticfiles)/.collected
    want=$({ find static -type f -exec cksum {} + | sort; cat requirements.txt; } | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then return; fi
    "$PY" manage.py collectstatic --noinput --clear --verbosity 0 || fail "the static files could not be collected"
    printf '%s\n' "$want" >"$stamp"
}

# Two builds in one directory wait for each other.
locked() {
    mkdir -p var
    if command -v flock >/dev/null 2>&1; then exec 9>var/.build.lock; flock 9; fi
    "$@"
    exec 9>&-
}

install() {
    local kernels
    make_venv
    install_requirements requirements.txt
    if [ "${1:-}" = test ]; then install_requirements requirements-dev.txt; fi
    compile_catalogues
    collect_static
    kernels=$(folder GIF_KERNELS var/kernels)
    # Half a minute the first time, then nothing; without it GIFs are made by ffmpeg, so it is no reason to stop.
    "$PY" -m converter.engine.gif.warm "$kernels" || say "GIFs will be made by ffmpeg alone: slower and larger"
}

# A Chromium for the browser tests, as CHROMIUM; without one they are skipped and say so.
find_chromium() {
    local candidate
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    "$PY" - <<'PYTHON' 2>/dev/null || true
from pathlib import Path
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    if Path(p.chromium.executable_path).exists():
        print(p.chromium.executable_path)
PYTHON
}

have_chromium() {
    CHROMIUM=$(find_chromium)
    if [ -z "$CHROMIUM" ]; then
        say "No Chromium on PATH; trying to get one for the browser tests"
        if [ "$(id -u)" = 0 ] && grep -q '^ID=debian' /etc/os-release 2>/dev/null; then
            { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || true
        fi
        CHROMIUM=$(find_chromium)
    fi
    if [ -z "$CHROMIUM" ]; then
        "$PY" -m playwright install chromium >/dev/null 2>&1 || true
        CHROMIUM=$(find_chromium)
    fi
    if [ -n "$CHROMIUM" ]; then export CHROMIUM; else say "NO CHROMIUM: the browser tests will be skipped"; fi
}

step() {
    local name=$1
    shift
    say "== $name"
    "$@" || fail "failed: $name"
}

deploy_check() (
    directory=$(mktemp -d)
    trap 'rm -rf "$directory"' EXIT
    export CUTROOM_DOTENV=0 CUTROOM_MODE=production DEBUG=0 ALLOWED_HOSTS=cutroom.example VAR_DIR="$directory/var" MEDIA_ROOT="$directory/media"
    SECRET_KEY=$("$PY" -c 'import secrets; print(secrets.token_urlsafe(64))') "$PY" manage.py check --deploy --fail-level WARNING
)

run_tests() {
    have_chromium
    step "ruff check" "$VENV/bin/ruff" check .
    step "ruff format" "$VENV/bin/ruff" format --check .
    step "mypy" "$VENV/bin/mypy" .
    step "import layers" "$VENV/bin/lint-imports"
    step "migrations" "$PY" manage.py makemigrations --check --dry-run
    step "deployment checks" deploy_check
    if [ $# -gt 0 ]; then
        step "tests" "$PY" -m pytest -n 2 --dist loadgroup "$@"
        return
    fi
    step "quick tests" "$PY" -m pytest -n 2 --dist loadgroup -m "not slow and not browser and not postgres"
    step "slow, browser and PostgreSQL tests" "$PY" -m pytest -n 2 --dist loadgroup -m "slow or browser or postgres"
    say "All checks passed."
}

case "${1:-install}" in
    install)
        locked install
        "$PY" manage.py migrate --noinput --verbosity 0 || fail "the database could not be brought up to date"
        say "Installed. ./build.sh run starts Cutroom."
        ;;
    run)
        locked install
        exec "$PY" -m config.supervisor
        ;;
    test)
        shift
        locked install test
        run_tests "$@"
        ;;
    *)
        fail "unknown command “$1”; use ./build.sh, ./build.sh run or ./build.sh test"
        ;;
esac
