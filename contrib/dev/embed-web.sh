#!/bin/sh
# embed-web.sh SRCDIR FILE... - the files of the web page as C text on standard
# output, in the form that server/web.h declares. One hash over all of them is
# part of their address, since scripts name each other: whoever has a file of
# one hash has all of them of that state. @HASH@ in index.html is that hash.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 SRCDIR FILE..." >&2; exit 64; }
srcdir=$1
shift

type_of() {
	case $1 in
	*.html) echo 'text/html; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.js) echo 'text/javascript; charset=utf-8' ;;
	*.svg) echo 'image/svg+xml' ;;
	*) echo "$0: $1: of no known type" >&2; return 1 ;;
	esac
}
# Question marks are escaped because of trigraphs (C11, 5.2.1.1).
text_of() {
	sed -e "s/@HASH@/$hash/g" -e 's/[\\"?]/\\&/g' -e 's/^/	"/' \
	    -e 's/$/\\n"/' "$srcdir/$1"
}

hash=$(for file in "$@"; do
	[ -s "$srcdir/$file" ] || { echo "$0: $file: empty" >&2; exit 1; }
	basename "$file"
	cat "$srcdir/$file"
done | sha256sum | cut -c1-16)
[ ${#hash} -eq 16 ] || exit 1

echo '/* Made by contrib/dev/embed-web.sh from contrib/web; do not edit. */'
echo '#include "server/web.h"'
echo
n=0
for file in "$@"; do
	echo "static const char file_$n[] ="
	text_of "$file"
	echo ';'
	n=$((n + 1))
done
echo
echo "const char web_hash[] = \"$hash\";"
echo 'const struct web_file web_files[] = {'
n=0
for file in "$@"; do
	type=$(type_of "$file")
	printf '\t{ "%s", "%s", file_%d, sizeof(file_%d) - 1 },\n' \
	    "$(basename "$file")" "$type" $n $n
	n=$((n + 1))
done
printf '\t{ 0 }\n};\n'
