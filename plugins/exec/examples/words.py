#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An agent that reads: counts words. JSON in on stdin, JSON out on stdout, exit code by sysexits.h."""
import collections
import json
import os
import re
import sys

question = json.load(sys.stdin)
words = re.findall(r"\w+", question["text"].lower())
if not words:
    print("there is no word in the text", file=sys.stderr)
    sys.exit(os.EX_DATAERR)
common = collections.Counter(words).most_common(question.get("top", 3))
json.dump({"words": len(words), "common": [{"word": w, "count": n} for w, n in common]}, sys.stdout)
