# Sourced by the scripts beside it: finds Python, makes .venv, installs what is pinned by hash.
# shellcheck shell=bash
#
# needs()  run | dev    what the caller needs; a second call with nothing changed costs milliseconds
#
# The environment goes to .venv in the clone, or to $IOP_TUI_VENV.

set -euo pipefail

CALLED_FROM=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV=${IOP_TUI_VENV:-$PWD/.venv}
PYTHON=

# Settings of the machine that would lead pip or Python elsewhere than into .venv.
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_REQUIREMENT PIP_CONSTRAINT
# Without compiled files every process that a test or a start begins would compile the program first.
unset PYTHONDONTWRITEBYTECODE
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in python3 python python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && fits "$name"; then
            PYTHON=$(command -v "$name")
            return
        fi
    done
    die "iop-tui needs Python 3.11, 3.12, 3.13 or 3.14; none was found on the PATH." \
        "Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: install python3 with your package manager"
}

# Debian ships Python without ensurepip; then the pip of the machine fills an environment without its own.
make_venv() {
    find_python
    say "Making the environment in $VENV with $PYTHON …"
    rm -rf "$VENV"
    "$PYTHON" -m venv "$VENV" >/dev/null 2>&1 && return
    rm -rf "$VENV"
    "$PYTHON" -m venv --without-pip "$VENV" ||
        die "This Python cannot make environments. Debian, Ubuntu: sudo apt install python3-venv"
    "$PYTHON" -m pip --python "$VENV/bin/python" --version >/dev/null 2>&1 ||
        die "This Python has neither ensurepip nor a pip of version 22.3 or newer." \
            "Debian, Ubuntu: sudo apt install python3-venv"
    printf '%s\n' "$PYTHON" >"$VENV/pip-of"
}

pip() {
    if [ -f "$VENV/pip-of" ]; then
        "$(cat "$VENV/pip-of")" -m pip --python "$VENV/bin/python" "$@"
    else
        "$VENV/bin/python" -m pip "$@"
    fi
}

# needs KIND: the environment holds the pinned packages of KIND and this clone, installed editable.
needs() {
    local kind=$1 wanted stamp="$VENV/installed-$1"
    local pins=.ci/requirements.txt
    [ "$kind" = dev ] && pins=.ci/requirements-dev.txt
    fits "$VENV/bin/python" || make_venv
    wanted="$PWD $(cat "$pins" pyproject.toml .ci/hatch_build.py | cksum)"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    say "Installing pinned packages (first time only; a minute or two) …"
    pip install --quiet --require-hashes --only-binary :all: -r "$pins"
    pip install --quiet --no-deps --no-build-isolation --no-index -e .
    printf '%s' "$wanted" >"$stamp"
}
