#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# man.sh PAGE...: groff has nothing to say against the pages, and what they name beside them is there.
set -u
failed=0
command -v groff >/dev/null || exit 77
for page; do
        said=$(groff -man -ww -Tutf8 -rLL=100n -z "$page" 2>&1)
        if [ -n "$said" ]; then
                echo "$page: $said"
                failed=1
        fi
        # Pages of ours are named in bold, as man(7) wants it: \fBholt-x\fR(1).
        for name in $(grep -o '\\fBholt[a-z-]*\\fR([0-9])' "$page" | sed 's/\\fB//; s/\\fR(\(.\))/.\1/' | sort -u); do
                if [ ! -e "$(dirname "$page")/$name" ]; then
                        echo "$page: names $name, which is not there"
                        failed=1
                fi
        done
done
exit $failed
