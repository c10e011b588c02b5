#!/usr/bin/env bash
# Install Peakproof from this checkout into the folder given: what requirements.lock names, and this wheel.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
to="$1"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Peakproof needs Python 3.11 or newer as python3"; exit 2; }
mkdir -p "$to"
awk '/^[^ ]/ {own = /^uv==/} own' "$here/requirements.lock" > "$to/uv.txt"
python3 -m venv "$to/build"
"$to/build/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$to/uv.txt"
uv() { "$to/build/bin/uv" "$@"; }
uv venv -q --clear --python python3 "$to/environment"
uv pip install -q --python "$to/build/bin/python" --constraints "$here/requirements.lock" hatchling
uv build -q --wheel --no-build-isolation --python "$to/build/bin/python" --out-dir "$to/wheel" "$here"
uv pip install -q --python "$to/environment/bin/python" --constraints "$here/requirements.lock" "$to"/wheel/*.whl
mkdir -p "$to/bin"
ln -sf ../environment/bin/peakproof "$to/bin/peakproof"
