#!/bin/sh
# Prints the path of a Python that can make our .venv: 3.11 to 3.13, with venv and pip inside.
# Each candidate is run, not only found: a version manager's shim may exist and still fail.
# Usage: find_python.sh [PYTHON]   With PYTHON, that one or none.
# When none fits: one line on what is missing and what to do, exit 1.

probe='
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14) or sys.implementation.name != "cpython":
    print("is %s %d.%d" % ((sys.implementation.name,) + sys.version_info[:2]))
else:
    try:
        import ensurepip, venv
        print("fits %s" % sys.executable)
    except ImportError:
        print("lacks the venv module (on Debian and Ubuntu: apt install python%d.%d-venv)" % sys.version_info[:2])
'

seen=''
if [ -n "${1:-}" ]; then set -- "$1"; else set -- python3.12 python3.11 python3.13 python3; fi
for candidate; do
    if answer=$("$candidate" -c "$probe" 2>/dev/null); then
        case $answer in
            'fits '*) printf '%s\n' "${answer#fits }"; exit 0 ;;
        esac
    elif command -v "$candidate" >/dev/null 2>&1; then
        answer='does not run'
    else
        continue
    fi
    seen="$seen; $candidate $answer"
done
[ -n "$seen" ] || seen='; none of these is installed: '$*
printf 'No fitting Python%s. Install CPython 3.11, 3.12 or 3.13, or name one: make install PYTHON=/path/to/python3\n' \
    "$seen" >&2
exit 1
