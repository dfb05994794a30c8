#!/bin/sh
# autogen.sh - makes configure and Makefile.in from a git checkout.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf --install --force
