#!/bin/sh
# Write requirements.lock: every package that the development extra brings, at the version that a fresh environment gets.
# torch stays at the version that is locked now; to move it, edit its line first. No hashes: torch's wheel differs by platform.
set -eu
cd "$(dirname "$0")/.."
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$(grep '^torch==' requirements.lock)"
"$venv/bin/pip" install --quiet --disable-pip-version-check ".[dev]"
{
    echo "# Exact versions for development and CI. Written by 'make lock'; pyproject.toml holds the ranges that users get."
    # A local version label such as +cpu names one platform's wheel.
    "$venv/bin/pip" freeze --exclude simgan-plugin | sed 's/+cpu$//'
} > requirements.lock.new
mv requirements.lock.new requirements.lock
