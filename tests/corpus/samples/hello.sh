#!/bin/sh
if [ -n "$1" ]; then
	echo hello
fi
