#!/bin/sh
# bare.sh TEMPLATE DRIVER PROGRAM FOLDER WINE: what a script would do instead of `wskharness run registration.basic`:
# clones a prepared prefix, runs one small program in it, and leaves nothing behind. The registry is copied, because
# wineserver writes it in place where it is a link.
set -e
prefix=$4/prefix
mkdir "$4"
cp -al "$1" "$prefix"
rm "$prefix"/*.reg
cp "$1"/*.reg "$prefix"
cp "$2" "$prefix/drive_c/wsksample.sys"
cp "$3" "$prefix/drive_c/bare.exe"
env "WINEPREFIX=$prefix" WINEDEBUG=-all "$5" 'C:\bare.exe'
while
	left=$(grep -lsaz "^WINEPREFIX=$prefix$" /proc/[0-9]*/environ || true)
	test -n "$left"
do
	for environ in $left; do
		pid=${environ#/proc/}
		kill -KILL "${pid%/environ}" 2>/dev/null || true
	done
done
rm -r "$4"
