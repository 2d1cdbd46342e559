# shellcheck shell=bash
# Sourced, never run: chooses the compiler and finds the tools. It installs nothing; scripts/setup.sh does.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
WASM_TARGET=wasm32-unknown-unknown
TOOLS="$ROOT/target/tools"
RUST_WANTED="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")"
export PATH="$TOOLS/bin:$PATH"

# Everything is built into one place, whatever the caller's own Cargo settings say.
export CARGO_TARGET_DIR="$ROOT/target"
if [ -n "${CI:-}" ]; then
    # Nothing is built twice there, so the bookkeeping for it would only cost time and disk.
    export CARGO_INCREMENTAL=0
fi

# version_at_least HAVE WANTED
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Is this compiler new enough? (`rustc 1.96.0 (...)`)
rust_is_new_enough() {
    local version
    version="$("$1" --version 2>/dev/null | cut -d ' ' -f 2)" || return 1
    [ -n "$version" ] && version_at_least "$version" "$RUST_WANTED"
}

# Compiling and linking a line is the only sure sign that the target is there and belongs to this very compiler.
has_wasm() {
    local folder ok=1
    folder="$(mktemp -d)"
    if echo 'pub fn probe() -> String { String::new() }' |
        "$1" --edition 2024 --crate-type cdylib --target "$WASM_TARGET" -o "$folder/probe.wasm" - 2>/dev/null; then
        ok=0
    fi
    rm -rf "$folder"
    return $ok
}

# One compiler for server and browser: the one on PATH if it can do both, else Debian's, called by its full path through
# links of our own. (`rustup toolchain link` would do too, but needs a working rustup and changes its settings.)
choose_rust() {
    if rust_is_new_enough rustc && has_wasm rustc; then
        return 0
    fi
    if rust_is_new_enough /usr/bin/rustc && has_wasm /usr/bin/rustc; then
        use_debian_rust
        return 0
    fi
    return 1
}

use_debian_rust() {
    local links="$TOOLS/debian-rust" tool
    mkdir -p "$links"
    for tool in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
        ln -sfn "/usr/bin/$tool" "$links/$tool"
    done
    # Cargo looks for `cargo-clippy` in its own bin folder first, unless PATH says where that folder comes.
    export PATH="$links:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
}

# The store's tests start a PostgreSQL of their own; they need the folder with its programs.
find_postgres() {
    local folder
    while read -r folder; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_ctl" ]; then
            export TEST_PG_BIN="$folder"
            return 0
        fi
    done < <(
        printf '%s\n' "${TEST_PG_BIN:-}"
        printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
        if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
    )
    return 1
}

choose_rust || true
find_postgres || true
