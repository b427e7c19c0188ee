#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# rules.sh TREE [RULE]: the house rules that a reader of the sources alone can check. Prints each
# breach with its place and its cure; exit 1 if there is one.
#   rooms    a room includes what its USES name in host/CMakeLists.txt, and nobody's private header
#   heads    a source file says its licence first and what it answers for
#   sizes    600 lines a file, and no tabs
#   calls    no call that overruns, truncates in silence or asks the shell
set -eu
export LC_ALL=C
tree=$1 rule=${2:-all}
cd "$tree"

code() { find . \( -name .git -o -path './build*' \) -prune -o -type f \( "$@" \) -print | sort; }

# Every awk below prints breaches; none may be left. A rule that finds no file checks nothing.
judge() {
    name=$1
    shift
    [ $# -gt 0 ] || { echo "tidy: $name: found no files in $tree"; exit 2; }
    awk -v rule="$name" "$program" "$@" || failed=1
}

rooms() {
    program='
    # room(NAME USES a b c LINKS x y), over one or two lines
    FILENAME ~ /CMakeLists.txt$/ {
        if ($0 ~ /^room\(/) { open = 1; line = "" }
        if (!open) next
        line = line " " $0
        if ($0 !~ /\)/) next
        open = 0
        gsub(/[()]/, " ", line)
        n = split(line, word, " ")
        room = word[2]; known[room] = 1; uses = 0
        for (i = 3; i <= n; i++) {
            if (word[i] == "USES") uses = 1
            else if (word[i] == "LINKS") uses = 0
            else if (uses) may[room, word[i]] = 1
        }
        next
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split(FILENAME, path, "/"); own = path[3]
        split($0, quoted, "\""); header = quoted[2]
        if (split(header, part, "/") < 2 || !(part[1] in known) || !(own in known)) next
        if (part[1] == own) next
        place = substr(FILENAME, 3) ":" FNR ": "
        if (!((own, part[1]) in may)) {
            print place own " may not use " part[1] "; its USES stand in host/CMakeLists.txt"; bad = 1
        } else if (header ~ /_internal\.h$/) {
            print place header " is private to " part[1] "; use " part[1] "/" part[1] ".h"; bad = 1
        } else if (part[1] != "base" && part[2] != part[1] ".h" && !shared(header)) {
            print place header " is not the public header of " part[1] "; use " part[1] "/" part[1] ".h"; bad = 1
        }
    }
    # Second public headers that a room has on purpose: each names its one reader.
    function shared(header) { return header ~ /^(flow\/catalog|contract\/(contain|shape|registry)|mapping\/infer|loader\/(manifest|card|guest|succession)|runtime\/stand_in)\.h$/ }
    END { exit bad }'
    judge rooms ./host/CMakeLists.txt $(code -path './host/*.[ch]')
}

heads() {
    program='
    FNR == 1 && /^#!/ { shebang[FILENAME] = 1; next }
    FNR == 1 + (FILENAME in shebang) && !/SPDX-License-Identifier: Apache-2.0/ {
        print substr(FILENAME, 3) ":" FNR ": the first line is SPDX-License-Identifier: Apache-2.0"; bad = 1
    }
    FNR == 3 + (FILENAME in shebang) && FILENAME ~ /\.[ch]$/ && !/^ \*+ *[^ \/]/ {
        print substr(FILENAME, 3) ":" FNR ": the head says what the file answers for"; bad = 1
    }
    END { exit bad }'
    judge heads $(code -name '*.[ch]' -o -name '*.sh' -o -path './dev' -o -path './.ci/run')
}

sizes() {
    program='
    FNR == 601 { print substr(FILENAME, 3) ":601: longer than 600 lines; find the noun that wants a file"; bad = 1 }
    /\t/ && FILENAME !~ /\.sh$/ && !told[FILENAME]++ { print substr(FILENAME, 3) ":" FNR ": a tab; four spaces"; bad = 1 }
    END { exit bad }'
    judge sizes $(code -name '*.[ch]' -o -name '*.sh' -o -name CMakeLists.txt -o -name '*.cmake' \
                       -o -path './dev' -o -path './.ci/run')
}

calls() {
    program='
    {
        line = $0
        gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
        if (line ~ /^ *(\/?\*|\/\/)/) next
        if (match(line, /(^|[^_A-Za-z0-9])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|alloca|system|popen|gets|tmpnam|mktemp)\(/)) {
            call = substr(line, RSTART, RLENGTH); gsub(/[^a-z]/, "", call)
            print substr(FILENAME, 3) ":" FNR ": " call "() is not used here; see base/text.h, strtol, mkstemp, posix_spawn"
            bad = 1
        }
    }
    END { exit bad }'
    judge calls $(code -path './host/*.[ch]' -o -path './plugins/*.[ch]' -o -path './plugin-api/*.[ch]')
}

failed=0
case $rule in
    all) rooms && heads && sizes && calls ;;
    rooms | heads | sizes | calls) $rule ;;
    *) echo "tidy: there is no rule $rule" && exit 2 ;;
esac
exit $failed
