# shellcheck shell=sh
# The recipes behind ./demo and ./test: what copain needs, set up once, and said in plain words.
#
# Sourced by a script that stands in the repository root. POSIX sh: a bare machine has nothing
# else. What is set up is stamped with a checksum of what it was made from, so the next start is
# quick and a changed source is built again. Whatever fails, fails in one line with what to do.

root=$(pwd -P)
venv="$root/.venv"
log="$root/build/setup.log"
lowest=11  # Python 3.11
highest=13 # to 3.13
demo_borrows="" # copain's own NES plays the demo; cores that are there give a second opinion
test_borrows="libretro-nestopia libretro-gambatte cc65 efp"
test_programs="fceux lua-socket lua5.1 lua5.4 xdotool xvfb"

say() { printf '%s\n' "$*" >&2; }
fail() {
    printf 'copain: %s\n' "$*" >&2
    exit 2
}

# set_up demo|test: make .venv hold everything that ./demo or ./test needs.
set_up() {
    level=$1
    is_set_up && return 0
    { mkdir -p "$root/build" && touch "$root/build/.lock"; } 2>/dev/null ||
        fail "cannot write to $root/build: is the folder yours, and is there room on the disk?"
    if command -v flock >/dev/null 2>&1; then
        exec 9>>"$root/build/.lock"
        flock -n 9 || { say "Another set-up is running in this folder; waiting for it."; flock 9; }
    fi
    if ! is_set_up; then # the one we waited for may have done it
        printf '\n=== set up for %s, %s ===\n' "$level" "$(date)" >>"$log"
        packages_are_fresh || set_up_packages
        rm -f "$venv/.native"
        step "Building the native module" "$venv/bin/python" -m pip install --no-deps \
            --no-build-isolation -Ceditable.rebuild=false -e "$root" || explain_build
        native_sum >"$venv/.native"
    fi
    exec 9>&-
}

# The two stamps. A stamp holds the sum of what was used, and of where the environment lies.
is_set_up() { packages_are_fresh && [ "$(cat "$venv/.native" 2>/dev/null)" = "$(native_sum)" ]; }
packages_are_fresh() {
    # What ./test installs is enough for ./demo.
    for made_for in "$level" test; do
        [ "$(cat "$venv/.packages-$made_for" 2>/dev/null)" = "$(packages_sum)" ] && return 0
    done
    return 1
}
packages_sum() { { printf '%s\n' "$venv" "$test_borrows" "$test_programs"; cat pyproject.toml tools/constraints.txt; } | cksum; }
native_sum() {
    { printf '%s\n' "$venv"; cat pyproject.toml CMakeLists.txt; native_sources | xargs cat; } | cksum
}
native_sources() { find native -type f | LC_ALL=C sort; }

set_up_packages() {
    install_debian_packages
    make_environment
    borrow_debian_packages
    if [ "$level" = test ]; then
        # PyTorch from PyPI brings CUDA, some 3 GB more. Its build without:
        # PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu ./test
        extras=dev what="copain's packages, PyTorch and the tools of the tests" size=560
    else
        extras=render,play what="copain's packages" size=115
    fi
    [ "$level" = demo ] || [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || [ "$(uname -s)" = Darwin ] ||
        say "The package stable-retro has no libretro cores for $(uname -m): install cores yourself."
    say "Python packages: up to $size MB from PyPI ($what), once; pip keeps what it fetched."
    rm -f "$venv"/.packages-*
    # pip 25.1 and later take up a broken download where it stopped.
    step "Getting the build tools" "$venv/bin/python" -m pip install --upgrade \
        -c tools/constraints.txt pip scikit-build-core nanobind cmake ninja || explain_download
    "$venv/bin/python" tools/requirements.py "$extras" >build/requirements.txt 2>>"$log" ||
        fail "pyproject.toml cannot be read; see $log"
    step "Getting the packages" "$venv/bin/python" -m pip install \
        -c tools/constraints.txt -r build/requirements.txt || explain_download
    packages_sum >"$venv/.packages-$level"
}

# Debian packages ------------------------------------------------------------------------------

install_debian_packages() {
    choose_python
    needed='' why=''
    need() { needed="$needed $1" why="$why${why:+, }$2"; }
    python_package=python3
    case $(command -v "${python:-python3}") in
    /usr/bin/python3.*) python_package=${python##*/} ;;
    esac
    if [ -z "$python" ]; then
        need python3 "Python 3.$lowest or later" && need python3-venv "virtual environments"
        need python3-dev "Python's headers"
    else
        [ "$has_venv" = yes ] || need "$python_package-venv" "virtual environments"
        [ "$has_headers" = yes ] || need "$python_package-dev" "Python's headers"
    fi
    compiler=$(find_compiler) || need g++ "a C++20 compiler"
    if [ -n "$needed" ]; then
        apt_is_ours || fail "missing: $why. As root: apt-get install$needed  (then run this again)"
        # shellcheck disable=SC2086
        apt_install "$why" $needed || explain_apt "$needed"
        choose_python
        [ -n "$python" ] || fail_python
        compiler=$(find_compiler) || fail "no C++20 compiler even after installing g++; see $log"
    fi
    [ "$level" = demo ] || install_test_packages
    if [ -n "${CXX:-}" ] || [ "$compiler" = c++ ]; then :; else export CXX="$compiler"; fi
}

# The programs that the tests drive. Without them their tests skip (and fail in CI).
install_test_packages() {
    wanted=''
    for package in $test_programs; do is_installed "$package" || wanted="$wanted $package"; done
    [ -n "$wanted" ] || return 0
    if apt_is_ours; then
        # shellcheck disable=SC2086
        apt_install "programs that the tests drive" $wanted && return 0
    fi
    say "Going on without$wanted: their tests skip. To have them: sudo apt-get install$wanted"
}

# MAME is large (67 MB to download, 350 MB on the disk): only CI installs it for its tests.
set_up_mame() {
    if is_installed mame || command -v mame >/dev/null 2>&1; then return 0; fi
    if [ -n "${CI:-}" ] && apt_is_ours; then apt_install "MAME, for its tests" mame && return 0; fi
    say "Without MAME its tests skip. To have them: sudo apt-get install mame"
}

# What only widens the tests: a second NES core, a free game, an assembler. As Debian
# packages they would bring RetroArch and FCEUX with them (300 MB and more), so their own files
# alone (4 MB) are laid into the environment, which takes no rights and leaves the system alone.
borrow_debian_packages() {
    borrowed=$demo_borrows
    [ "$level" = demo ] || borrowed=$test_borrows
    wanted=''
    for package in $borrowed; do is_installed "$package" || wanted="$wanted $package"; done
    [ -n "$wanted" ] || return 0
    if command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
        # shellcheck disable=SC2086
        step "Getting$wanted from Debian (4 MB at most)" borrow $wanted && return 0
    fi
    say "Going on without them. To have them: sudo apt-get install$wanted"
}
borrow() {
    rm -rf "$root/build/debian" && mkdir -p "$root/build/debian" || return 1
    if ! (cd "$root/build/debian" && as_root='' && apt download "$@"); then
        apt_is_ours && apt update || return 1
        (cd "$root/build/debian" && as_root='' && apt download "$@") || return 1
    fi
    for file in "$root"/build/debian/*.deb; do
        dpkg-deb -x "$file" "$root/build/debian/files" || return 1
    done
    cp -R "$root/build/debian/files/usr/." "$venv/" && rm -rf "$root/build/debian"
}
is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
apt_is_ours() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" = 0 ]; then as_root=''
    elif sudo -n true 2>/dev/null; then as_root='sudo -n'
    else return 1; fi
}
apt() {
    # shellcheck disable=SC2086
    $as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get \
        -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}
# apt_install WHY PACKAGE...: with the size of the download, which apt knows, said before it.
apt_install() {
    reason=$1
    shift
    apt install -s --no-install-recommends "$@" >>"$log" 2>&1 ||
        step "Reading Debian's package lists" apt update || return 1
    size=$(apt install --assume-no --no-install-recommends "$@" 2>/dev/null |
        sed -n 's/^Need to get \(.*\) of archives.*/, \1 to download/p')
    say "Debian packages: $* ($reason)$size."
    step "Installing them" apt install -y --no-install-recommends "$@" && return 0
    # Old lists name files that the mirrors no longer have.
    step "Reading Debian's package lists" apt update &&
        step "Installing them" apt install -y --no-install-recommends "$@"
}

# Python and the compiler ----------------------------------------------------------------------

# choose_python: set python (empty when none is in range), has_venv, has_headers. The newest
# that can make an environment and build for it, else the newest in range.
choose_python() {
    for demand in complete any; do
        seen='' python='' has_venv='' has_headers=''
        for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3; do
            if probe_python "$candidate"; then
                case $demand$has_venv$has_headers in any* | completeyesyes) return ;; esac
            fi
            [ -z "${PYTHON:-}" ] || break
        done
    done
    python=''
    [ -z "${PYTHON:-}" ] || fail_python
    # A Python that is too old is not mended by apt; one that is not there may be.
    [ -z "$seen" ] || fail_python
}
probe_python() {
    answer=$("$1" -c "
import importlib.util, os, sys, sysconfig
print('%d.%d.%d' % tuple(sys.version_info[:3]))
inside = (3, $lowest) <= tuple(sys.version_info[:2]) <= (3, $highest)
print(inside and 'inside' or 'outside')
found = importlib.util.find_spec
print(found('venv') and found('ensurepip') and 'yes' or 'no')
header = os.path.join(sysconfig.get_paths()['include'], 'Python.h')
print(os.path.exists(header) and 'yes' or 'no')
" 2>/dev/null)
    # shellcheck disable=SC2086
    set -- "$1" $answer
    [ -z "${2:-}" ] || seen="$seen${seen:+, }$1 is $2"
    [ "${3:-}" = inside ] || return 1
    python=$1 has_venv=${4:-no} has_headers=${5:-no}
}
fail_python() {
    [ -n "$seen" ] || seen="${PYTHON:-python3} does not run"
    fail "Python 3.$lowest to 3.$highest is needed; $seen. Name one: PYTHON=/path/to/python3.$highest $0"
}

find_compiler() {
    for candidate in ${CXX:+"$CXX"} c++ g++ clang++; do
        echo '#include <concepts>
#include <span>
static_assert(__cplusplus > 201703L);' |
            "$candidate" -std=c++20 -fsyntax-only -x c++ - >/dev/null 2>&1 || continue
        printf '%s\n' "$candidate"
        return 0
    done
    return 1
}

make_environment() {
    if [ -z "${PYTHON:-}" ] && "$venv/bin/python" -c '
import sys, pip
home = dict(l.rstrip().split(" = ", 1) for l in open(sys.argv[1] + "/pyvenv.cfg") if " = " in l)
inside = (3, int(sys.argv[2])) <= sys.version_info[:2] <= (3, int(sys.argv[3]))
sys.exit(not (inside and home["command"].endswith(" " + sys.argv[1])))
' "$venv" "$lowest" "$highest" >/dev/null 2>&1; then return; fi # a whole one is there
    step "Making a virtual environment with $("$python" --version)" \
        "$python" -m venv --clear "$venv" || fail "python -m venv did not work; see $log"
}

# Steps, and what to say when one fails --------------------------------------------------------

# step LABEL COMMAND...: run it, output to the log, with the time it takes shown as it runs.
step() {
    label=$1
    shift
    began=$(date +%s)
    printf '\n--- %s: %s\n' "$label" "$*" >>"$log"
    mark=$(wc -l <"$log")
    ticker=''
    if [ -t 2 ]; then
        tick &
        ticker=$!
    else
        say "  $label ..."
    fi
    "$@" >>"$log" 2>&1 9>&- </dev/null
    status=$?
    if [ -n "$ticker" ]; then kill "$ticker" && wait "$ticker"; printf '\r\033[K' >&2; fi 2>/dev/null
    took=$(($(date +%s) - began))
    if [ "$status" = 0 ]; then say "  $label: done in $took s"; else say "  $label: failed after $took s"; fi
    return "$status"
}
tick() {
    trap 'exit 0' TERM
    trap '' INT
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        now=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-60)
        printf '\r\033[K  %s: %d s  %s' "$label" $(($(date +%s) - began)) "$now" >&2
    done
}

last_step() { tail -n +"$mark" "$log"; }
no_network='Temporary failure|Could not resolve|Network is unreachable|NewConnectionError|NameResolutionError|Failed to establish|Connection refused|timed out|Cannot connect|Could not connect'
explain_download() {
    if last_step | grep -Eq "$no_network"; then
        fail "PyPI cannot be reached: is there a network? Run this again when there is; details in $log"
    elif last_step | grep -q 'CERTIFICATE_VERIFY_FAILED'; then
        fail "PyPI's certificate is not trusted here: behind a proxy, set PIP_CERT=/path/to/its/ca.pem"
    elif last_step | grep -q 'No space left'; then
        fail "the disk is full: about 1.5 GB is needed in $root"
    fi
    last_step | tail -n 12 >&2
    fail "pip could not get the Python packages; the last lines are above, all of them in $log"
}
explain_apt() {
    if last_step | grep -Eq "$no_network|Unable to fetch"; then
        fail "Debian's archive cannot be reached: is there a network? Needed:$1 ($why); details in $log"
    fi
    last_step | tail -n 6 >&2
    fail "apt-get could not install$1 ($why); details in $log"
}
explain_build() {
    last_step | tail -n 30 >&2
    fail "the native module could not be built; the compiler's last lines are above, all of them in $log"
}
