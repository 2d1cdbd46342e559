#!/usr/bin/env bash
# Installs what is missing, and nothing else: every step looks first whether its result is already there.
#   setup.sh build   what `make run` needs: Rust with the WASM target, wasm-bindgen, esbuild and wasm-opt
#   setup.sh test    that, and what the tests need: PostgreSQL's programs, Playwright and a Chromium
# System packages are installed only by root on Debian; anyone else is told what to install.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"
cd "$ROOT"

say() {
    if [ -t 1 ]; then printf '\033[1m==> %s\033[0m\n' "$*"; else printf '==> %s\n' "$*"; fi
}

ticker=
stop_ticker() {
    if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null || true; fi
    ticker=
}
trap stop_ticker EXIT

# step TEXT COMMAND...: says what it does, that it is alive, and how long it took.
step() {
    local text="$1" started=$SECONDS
    shift
    say "$text"
    # `sleep` outlives its parent by some seconds; it must not keep the caller's pipe open.
    (while sleep 20 >/dev/null 2>&1; do echo "    ... still at it: $text ($((SECONDS - started)) s)"; done) &
    ticker=$!
    "$@"
    stop_ticker
    echo "    done in $((SECONDS - started)) s"
}

missing() {
    printf '\nMissing: %s\nInstall it with:\n\n    %s\n\nand run make again.\n' "$1" "$2" >&2
    exit 1
}

can_apt() {
    [ "$(id -u)" -eq 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null
}

apt_install() {
    echo "    as root, with apt-get: $*"
    if [ -z "${APT_UPDATED:-}" ]; then
        apt-get update -qq
        APT_UPDATED=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# --- Rust ------------------------------------------------------------------------------------------------------------

DEBIAN_RUST=(rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy rustfmt-web)

install_debian_rust() {
    apt_install "${DEBIAN_RUST[@]}"
    # The compiler calls `rust-lld`, a link named after the package that it points into, which is only recommended.
    if ! debian_linker; then
        apt_install "$(basename "$(readlink /usr/bin/rust-lld)")"
    fi
}

debian_linker() {
    [ -x "$(readlink -m /usr/bin/rust-lld)" ]
}

# Debian ships the standard library for this target as source only. It is put where the compiler looks for it.
build_wasm_std() {
    local work="$TOOLS/wasm-std" lib="/usr/lib/rustlib/$WASM_TARGET/lib"
    rm -rf "$work"
    mkdir -p "$work/src"
    printf '[package]\nname = "placeholder"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$work/Cargo.toml"
    echo '#![no_std]' >"$work/src/lib.rs"
    # Cargo's `build-std` is meant for nightly compilers, hence RUSTC_BOOTSTRAP.
    (cd "$work" && CARGO_TARGET_DIR="$work/target" RUSTC_BOOTSTRAP=1 \
        cargo build --release --target "$WASM_TARGET" -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test)
    rm -rf "$lib"
    mkdir -p "$lib"
    find "$work/target/$WASM_TARGET/release/deps" -name '*.rlib' ! -name 'libplaceholder-*' -exec cp -t "$lib" {} +
    rm -rf "$work"
}

setup_rust() {
    choose_rust && return

    if command -v rustup >/dev/null && rust_is_new_enough rustc; then
        step "Adding the WASM target to rustup's Rust" rustup target add "$WASM_TARGET" || echo "    rustup could not"
        choose_rust && return
    fi

    if ! can_apt; then
        missing "Rust $RUST_WANTED or newer with the target $WASM_TARGET (rustup is at https://rustup.rs)" \
            "rustup default stable && rustup update stable && rustup target add $WASM_TARGET"
    fi
    if ! rust_is_new_enough /usr/bin/rustc || ! debian_linker; then
        step "rustup cannot provide the WASM target here: installing Debian's Rust beside it" install_debian_rust
    fi
    use_debian_rust
    if ! has_wasm /usr/bin/rustc; then
        step "Building Rust's standard library for $WASM_TARGET into /usr/lib/rustlib" build_wasm_std
    fi
    choose_rust || missing "a Rust that compiles for $WASM_TARGET" "rustup target add $WASM_TARGET"
}

setup_lints() {
    cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
    command -v rustup >/dev/null || missing "clippy and rustfmt" "the packages of your Rust that hold them"
    step "Adding clippy and rustfmt to rustup's Rust" rustup component add clippy rustfmt
}

# The command line must have the very version of the library, so Cargo.lock decides.
setup_wasm_bindgen() {
    local version
    version="$(grep -A 1 '^name = "wasm-bindgen"$' Cargo.lock | sed -n 's/^version = "\(.*\)"/\1/p')"
    [ "$("$TOOLS/bin/wasm-bindgen" --version 2>/dev/null)" = "wasm-bindgen $version" ] && return
    # Its own release settings cost minutes and gain seconds. Without its lock file, which pins a withdrawn crate.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_TARGET_DIR="$TOOLS/build" step "Installing wasm-bindgen $version into target/tools (about two minutes)" \
        cargo install wasm-bindgen-cli --version "$version" --bin wasm-bindgen --root "$TOOLS"
    rm -rf "$TOOLS/build"
}

# --- Node ------------------------------------------------------------------------------------------------------------

setup_node() {
    local version
    version="$(node --version 2>/dev/null)" || missing "Node.js 20 or newer, with npm" "see https://nodejs.org"
    version_at_least "${version#v}" 20 || missing "Node.js 20 or newer (this is $version)" "see https://nodejs.org"
}

# npm keeps a copy of the lock file in what it installed; where that still stands for the same, nothing is to do.
npm_packages() {
    local folder="$1" what="$2"
    [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return
    step "Installing $what ($folder/node_modules)" npm ci --prefix "$folder" --ignore-scripts
    touch "$folder/node_modules/.package-lock.json"
}

# --- For the tests ---------------------------------------------------------------------------------------------------

setup_postgres() {
    find_postgres && return
    can_apt || missing "PostgreSQL's programs (initdb, postgres, pg_ctl)" \
        "apt-get install postgresql    (or your system's package; a running server is not needed)"
    # Debian would create and start a cluster of its own, which nobody here wants.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    step "Installing PostgreSQL for the tests" apt_install postgresql
    find_postgres || missing "PostgreSQL's programs" "apt-get install postgresql"
}

setup_chromium() {
    node end2end/chromium.mjs >/dev/null && return
    if can_apt; then
        step "Installing Chromium for the browser tests" apt_install chromium
    else
        step "Downloading Playwright's Chromium (into your own cache folder)" \
            npm exec --prefix end2end -- playwright install chromium || echo "    Playwright could not"
    fi
    node end2end/chromium.mjs >/dev/null || missing "a Chromium" "apt-get install chromium"
}

case "${1:-}" in
build | test) ;;
*)
    echo "usage: $0 build|test" >&2
    exit 2
    ;;
esac

setup_node
setup_rust
setup_lints
setup_wasm_bindgen
npm_packages scripts "the build tools esbuild and wasm-opt"
if [ "$1" = test ]; then
    setup_postgres
    npm_packages end2end "Playwright"
    setup_chromium
fi
