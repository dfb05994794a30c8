#!/bin/sh
# build-deb.sh - builds the Debian package from this tree.
#
#	contrib/dev/build-deb.sh [--check] [--version VERSION] [DIR]
#
# A copy of the tree gets contrib/debian as its debian/; the package and its
# debug symbols are put into DIR (build-deb). --check runs the units while
# building; --version makes a package of this version (for a test of upgrades).
# lintian looks at the result; its errors and warnings make the exit code 1, and
# without it nothing is built.
set -eu
cd "$(dirname "$0")/../.."
checks=nocheck version='' out=$(pwd)/build-deb
while [ $# -gt 0 ]; do
	case $1 in
	--check) checks='' ;;
	--version)
		version=${2:?}
		shift
		;;
	-*)
		sed -n '2,/^set/s/^#//p' "$0" >&2
		exit 64
		;;
	*) out=$1 ;;
	esac
	shift
done
contrib/dev/install-deps.sh build-essential debhelper lintian
command -v lintian >/dev/null || {
	echo "build-deb.sh: lintian is not there" >&2
	exit 69
}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/drehscheibe
mkdir "$tree"
tar --exclude-vcs --exclude='./build*' --exclude=node_modules \
    --exclude=autom4te.cache --exclude='*.o' --exclude='*.a' -cf - . |
    tar -C "$tree" -xf -
cp -R contrib/debian "$tree/debian"
cd "$tree"
[ -z "$version" ] || {
	stamp=$(date -R)
	printf 'drehscheibe (%s) unstable; urgency=medium\n\n  * %s\n\n%s\n\n' \
	    "$version" "Built as this version." \
	    " -- $(sed -n 's/^Maintainer: //p' debian/control)  $stamp" |
	    cat - debian/changelog >debian/changelog.new
	mv debian/changelog.new debian/changelog
}
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=2} $checks"
export DEB_BUILD_OPTIONS
dpkg-buildpackage -b -us -uc >"$out/build.log" 2>&1 || {
	tail -n 40 "$out/build.log" >&2
	exit 1
}
rm -f "$out"/*.deb
cp ../drehscheibe*.deb "$out"
ls -1 "$out"/*.deb
lintian --allow-root --fail-on error,warning "$out"/*.deb
