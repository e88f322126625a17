# Sourced by scripts/demo and scripts/test: goes to the repository's root, finds or makes a Python environment
# and installs s2s into it. Works on a machine that has bash, Python >= 3.11 and pip, with bash 3.2 (macOS) too.
#
# Sets: root (the repository), environment (a directory with bin/python). Puts environment/bin first on PATH.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

step() {
    printf '\n== %s\n' "$1"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Prints the first Python on PATH that can make a virtual environment for s2s.
find_python() {
    local candidate without_venv=""
    for candidate in python3.13 python3.12 python3.11 python3; do
        is_new_enough "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
        without_venv=${without_venv:-$candidate}
    done
    if [[ -n $without_venv ]]; then
        fail "$without_venv lacks the modules venv and ensurepip, which make a virtual environment.
  Install them (on Debian and Ubuntu: apt install $without_venv-venv), or activate an environment of your own."
    fi
    fail "Python 3.11 or newer is needed, and none of python3.13, python3.12, python3.11 and python3 on PATH is one.
  Install it (https://www.python.org/downloads/), or activate an environment that has it."
}

# The active environment is the user's choice and is used as it is. Conda's base is active in every shell of most
# of its users and so is no choice: like no environment at all, it leads to .venv in the repository.
use_environment() {
    local base_python
    if [[ -n ${VIRTUAL_ENV:-} ]]; then
        environment=$VIRTUAL_ENV
    elif [[ -n ${CONDA_PREFIX:-} && ${CONDA_DEFAULT_ENV:-} != base ]]; then
        environment=$CONDA_PREFIX
    else
        environment=$root/.venv
        # pip comes last when an environment is made: without it the making was interrupted, and is repeated.
        if [[ ! -x $environment/bin/python || ! -x $environment/bin/pip ]]; then
            base_python=$(find_python)
            step "Making a virtual environment in .venv with $base_python"
            "$base_python" -m venv "$environment" ||
                fail "could not make $environment (the reason is above).
  If that directory exists, it is the rest of another environment: remove it and try again."
        fi
    fi
    is_new_enough "$environment/bin/python" || fail "$environment has no bin/python of version 3.11 or newer.
  Activate an environment that has, or none (deactivate) to have one made in .venv."
    export PATH="$environment/bin:$PATH"
}

# install_s2s [EXTRA]: an editable install, with exactly the versions in requirements.lock.
# A stamp in the environment says what was installed last, so that a second start takes no time.
install_s2s() {
    local extra=${1:-} stamp=$environment/s2s-installed.txt key installed=""
    key="$(cat pyproject.toml requirements.lock | cksum) $root"
    if [[ -f $stamp && -x $environment/bin/s2s ]]; then
        installed=$(<"$stamp")
    fi
    # What a larger install put there is enough for a smaller one.
    if [[ $installed == "$key" && -z $extra || $installed == "$key [dev]" ]]; then
        return
    fi
    step "Installing s2s and what it needs into $environment (PyTorch is large: the first time takes minutes)"
    rm -f "$stamp"
    python -m pip --disable-pip-version-check install --quiet -c requirements.lock -e ".${extra:+[$extra]}" ||
        fail "the installation failed (pip's reason is above)."
    printf '%s\n' "$key${extra:+ [$extra]}" >"$stamp"
}
