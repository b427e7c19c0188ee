#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Claims about an installed Seam, the one in PATH, for any root: an author's first plugin and an
# operator's first flow. Works in the folder it is called in; prints what it did; ends with 0 if all
# holds. Needs sh, a C compiler and make, and of Seam nothing but what is installed.
set -eu

seam --version
seam new plugin tickets
make -s -C tickets test
make -s -C tickets verify | tail -n 1
seam new flow greeting
cd greeting
seam check flow.yaml
seam test flow.yaml
[ "$(seam run flow.yaml --input input.json --quiet)" = '{"greeting":"Hello, Ada!"}' ]
seam verify
seam plugins
echo "an installed Seam works"
