# The front door. Every target is short; what is longer lives in tools/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# What `make setup` has built comes before what happens to be installed.
export PATH := $(shell tools/setup --path):$(PATH)

# Nothing is built twice on a machine that is thrown away.
ifdef CI
export CARGO_INCREMENTAL := 0
endif

PLUGIN := pulumi-resource-cutover
SCHEMA := provider/$(PLUGIN)/schema.json
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := cargo run --quiet --locked --package cutover-tools --
# With the schema, which needs the provider and takes longer to build.
SCHEMA_TOOL := cargo run --quiet --locked --package cutover-tools --features schema --

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## Get everything that the other targets need; safe to repeat
	tools/setup

.PHONY: build
build: ## Compile everything, tests and the plugins that they start included
	cargo build --workspace --all-targets --all-features --locked

.PHONY: test
test: build ## Run all tests, with the real Pulumi engine among them
	$(MAKE) gen-check SCHEMA_TOOL=$(TARGET)/debug/cutover-tools
	$(TARGET)/debug/cutover-tools sdk
	$(TARGET)/debug/cutover-tools tally cargo test --workspace --all-features --locked --no-fail-fast

.PHONY: test-quick
test-quick: ## Run the unit tests of the core and the framework
	$(TOOLS) tally cargo test --locked --no-fail-fast --lib -p cutover-core -p cutover-driver -p pulumi-value -p pulumi-host

.PHONY: check
check: check-format check-lints check-deny check-tidy check-docs check-scripts ## Run every check that is not a test

.PHONY: check-format
check-format: ## Check the format of all Rust code
	cargo fmt --all --check

.PHONY: check-lints
check-lints: ## Run Clippy
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

.PHONY: check-deny
check-deny: ## Check licences, sources and duplicates of dependencies
	cargo deny --locked check bans licenses sources

.PHONY: check-tidy
check-tidy: ## Check which crate uses which, manifests, and texts
	$(TOOLS) tidy

.PHONY: check-docs
check-docs: ## Build the documentation of all crates
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --locked --no-deps --quiet

.PHONY: check-scripts
check-scripts: ## Check Go programs and shell scripts
	tools/check-scripts

.PHONY: gen
gen: ## Write the schema from the Rust types, the SDK from the schema, and which test proves which fault
	$(SCHEMA_TOOL) schema
	$(SCHEMA_TOOL) faults
	gen-sdk $(SCHEMA) sdk-ts

.PHONY: gen-check
gen-check: ## Fail if `make gen` would change a file
	$(SCHEMA_TOOL) schema --check
	$(SCHEMA_TOOL) faults --check
	gen-sdk --check $(SCHEMA) sdk-ts

.PHONY: sdk
sdk: ## Generate the TypeScript SDK, compile it and pack it into target/sdk
	gen-sdk $(SCHEMA) sdk-ts
	$(TOOLS) sdk

.PHONY: bench
bench: ## Measure, and write target/bench/results.json; BENCH_ROWS says how large the tables of validations are
	tools/databases --peers
	cargo build --release --locked --package pulumi-specimen --package $(PLUGIN) --package cutover-bench
	$(TARGET)/release/cutover-bench

.PHONY: install
install: ## Put the plugin and the command where the Pulumi CLI keeps them, under PULUMI_HOME
	cargo build --release --locked --package $(PLUGIN) --package cutover-cli
	$(TOOLS) install $(TARGET)/release/$(PLUGIN)

.PHONY: dist
dist: ## Build release archives into target/dist; TARGETS="..." names other platforms than this one
	$(TOOLS) dist $(TARGETS)

.PHONY: clean
clean: ## Remove what was built; the cached tools stay
	cargo clean
