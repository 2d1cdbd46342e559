# The scripts do the work; this file only names what one can do. `make` alone prints the list.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test demo build setup setup-build setup-test fmt lint bench clean

# With the compiler and the tools that scripts/env.sh finds.
WITH_ENV := source scripts/env.sh

help: ## Print this list
	@printf 'Patchbay. What make can do:\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  make %-7s %s\n' "$$name" "$$text"; done

run: build ## Build everything and serve http://127.0.0.1:3000, with SQLite in ./data
	@exec target/release/patchbay

test: setup-test ## Check format and lints, run every test; the last line is the sum
	@$(WITH_ENV) && exec node scripts/test.mjs

demo: build ## Serve a filled example account, with stand-in Git providers to try things on
	@$(WITH_ENV) && cargo build --locked --release -p forge
	@exec node scripts/demo.mjs

build: setup-build ## Build the release: server, WASM, stylesheet; print their sizes
	@$(WITH_ENV) && exec node scripts/build.mjs

setup: setup-test ## Install what building and testing need, unless it is there

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test

fmt: setup-build ## Format the Rust code
	@$(WITH_ENV) && cargo fmt --all

lint: setup-test ## Check format and lints only
	@$(WITH_ENV) && exec node scripts/test.mjs lint

bench: setup-build ## Run the benchmarks
	@$(WITH_ENV) && cargo bench --locked --workspace --exclude frontend --bench '*'

clean: ## Remove all that was built or installed here; ./data stays
	rm -rf target scripts/node_modules end2end/node_modules
