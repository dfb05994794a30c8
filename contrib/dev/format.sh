#!/bin/sh
# format.sh - are the C files changed since a commit as .clang-format has it?
#
#	contrib/dev/format.sh [COMMIT]		default: HEAD; new files too
#	contrib/dev/format.sh --fix [COMMIT]	formats them
set -eu
cd "$(dirname "$0")/../.."
fix=no
if [ "${1:-}" = --fix ]; then
	fix=yes
	shift
fi
since=${1:-HEAD}
tool=$(command -v clang-format || command -v clang-format-14) || {
	echo "format.sh: needs clang-format" >&2
	exit 69
}
bad=0
for f in $( { git diff --name-only --diff-filter=d "$since" -- '*.c' '*.h'
    git ls-files --others --exclude-standard -- '*.c' '*.h'; } | sort -u); do
	if [ $fix = yes ]; then
		"$tool" -i "$f"
	elif ! "$tool" "$f" | cmp -s - "$f"; then
		echo "$f"
		bad=1
	fi
done
exit $bad
