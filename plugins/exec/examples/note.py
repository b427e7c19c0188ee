#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An agent that writes: adds a line to a file, once. It speaks with its host in lines."""
import json
import os
import sys


def say(**line):
    print(json.dumps(line), flush=True)


def ask(op, **body):
    say(request=op, body=body)
    return json.loads(sys.stdin.readline())


call = json.loads(sys.stdin.readline())
file, text = call["input"]["file"], call["input"]["text"]
begun = ask("effect.begin/1", name="note", request={"file": file, "text": text})
if begun["status"] != "ok":
    say(error={"status": begun["status"], "message": begun.get("body", {}).get("message", "no")})
elif begun["body"]["state"] == "done":
    say(output=begun["body"]["result"])
elif begun["body"]["state"] == "fresh":
    with open(file, "a", encoding="utf-8") as notes:
        notes.write(text + "\n")
        result = {"file": file, "at": notes.tell()}
    ask("effect.commit/1", name="note", result=result)
    say(log="noted", level="info")
    say(output=result)
else:
    say(error={"status": "failed", "code": "note.in-doubt", "effect": "unknown",
               "message": "an earlier attempt began and nobody knows how it ended"})
