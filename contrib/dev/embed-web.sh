#!/bin/sh
# embed-web.sh SRCDIR FILE... - the files of the web page as C text on standard
# output, in the form that server/web.h declares. One hash over all of them is
# part of their address, since scripts name each other: whoever has a file of
# one hash has all of them of that state. @HASH@ in index.html is that hash. Each
# stands there a second time in fewer bytes (gzip), where that saves any: no name
# and no time of the file is in it, so that it is the same made anywhere.
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
bytes_of() {
	sed -e "s/@HASH@/$hash/g" "$srcdir/$1"
}
# Question marks are escaped because of trigraphs (C11, 5.2.1.1).
text_of() {
	bytes_of "$1" | sed -e 's/[\\"?]/\\&/g' -e 's/^/	"/' -e 's/$/\\n"/'
}
# Three octal digits a byte, so that no digit behind it is taken for its own.
coded_of() {
	bytes_of "$1" | gzip -9n | od -An -v -to1 -w16 |
	    sed -e 's/ /\\/g' -e 's/^/	"/' -e 's/$/"/'
}
saves() {
	[ "$(bytes_of "$1" | gzip -9n | wc -c)" -lt \
	    "$(bytes_of "$1" | wc -c)" ]
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
	if saves "$file"; then
		echo "static const char coded_$n[] ="
		coded_of "$file"
		echo ';'
	fi
	n=$((n + 1))
done
echo
echo "const char web_hash[] = \"$hash\";"
echo 'const struct web_file web_files[] = {'
n=0
for file in "$@"; do
	type=$(type_of "$file")
	printf '\t{ "%s", "%s", file_%d, sizeof(file_%d) - 1,\n' \
	    "$(basename "$file")" "$type" $n $n
	if saves "$file"; then
		printf '\t    coded_%d, sizeof(coded_%d) - 1 },\n' $n $n
	else
		printf '\t    NULL, 0 },\n'
	fi
	n=$((n + 1))
done
printf '\t{ 0 }\n};\n'
