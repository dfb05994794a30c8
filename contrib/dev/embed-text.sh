#!/bin/sh
# embed-text.sh NAME FILE - a text file as a C array of bytes, NAME and
# NAME_len, on standard output.
set -eu
[ $# -eq 2 ] && [ -s "$2" ] || { echo "usage: $0 NAME FILE" >&2; exit 64; }
echo "/* Made by contrib/dev/embed-text.sh from $(basename "$2"); do not edit. */"
echo '#include <stddef.h>'
echo "extern const unsigned char $1[];"
echo "extern const size_t $1_len;"
echo "const unsigned char $1[] = {"
od -An -v -tu1 "$2" | sed -e 's/^ */	/' -e 's/  */, /g' -e 's/$/,/'
echo '};'
echo "const size_t $1_len = sizeof($1);"
