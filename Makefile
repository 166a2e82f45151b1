# run   builds the release binary and serves on http://127.0.0.1:8080
# test  everything that must hold before a change is taken; the only thing that .ci/run calls
# lint  formatting, clippy, documentation, the page's types and the dependencies, without running a test
# fmt   formats the Rust code
# fuzz  gives what strangers send to the fuzzer, each target for FUZZ_SECONDS (60)
# simulate  runs the simulated server with SEEDS=… seeds, or SEED=… alone with its log
# soak  lets people come and go for an hour, or for SOAK_SECONDS=…, and looks what a server holds after it
# network-tests  bad networks for some seconds each, between real browsers and a debug build; needs root
# bench-network  bad networks for 20 seconds each, between real browsers and a release build
# bench-attacks  attacks a release build on this machine and prints what a quiet visitor notices of it

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.PHONY: fuzz simulate soak bench-attacks bench-network run test lint fmt setup format-check clippy rust-tests docs page-types dependencies client-tests browser-tests network-tests foreign-tests

STAGE := @tests/stage.sh
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# What was downloaded from where, and what was compiled, says nothing about the code.
test lint: export CARGO_TERM_QUIET ?= true
# `cargo test` builds the binary that the browser tests start.
export MEETING_BIN ?= $(CARGO_TARGET_DIR)/debug/meeting

run:
	cargo run --release --locked -- serve

# One after another, whatever -j says: two compilers at once only slow each other down.
.NOTPARALLEL:
test: setup format-check clippy rust-tests docs page-types client-tests browser-tests network-tests foreign-tests
	@tests/network/able.sh >/dev/null && echo "make test: every stage passed." || echo "make test: every stage passed but for the network tests, which this machine cannot run."

lint: setup format-check clippy docs page-types dependencies

fmt:
	cargo fmt --all

setup:
	$(STAGE) "set-up" tests/setup.sh

format-check:
	$(STAGE) "format" cargo fmt --all --check

clippy:
	$(STAGE) "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings

# Many tests wait for what takes its time, so that two at once leave processors idle.
rust-tests: export RUST_TEST_THREADS ?= $(shell n=$$(nproc); echo $$((n > 4 ? n : 4)))
rust-tests:
	$(STAGE) "Rust tests" tests/databases.sh cargo test --workspace --locked

docs:
	$(STAGE) "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

dependencies:
	$(STAGE) "dependencies" tests/deny.sh

page-types:
	$(STAGE) "page types" tests/node_modules/.bin/tsc --noEmit --project tests

# Without files `node --test` would look for some by itself and be content with none; a directory that is not there fails.
client-tests:
	$(STAGE) "client tests" node --test --test-reporter=spec $(or $(wildcard tests/client/*.test.mjs),tests/client)

# One at a time: two at once wait for each other, and take longer together than one after the other.
browser-tests:
	$(STAGE) "browser tests" node tests/twice.mjs $(or $(wildcard tests/browser/*.test.mjs),tests/browser)

network-tests:
	$(STAGE) "network tests" tests/network/able.sh node tests/twice.mjs $(or $(wildcard tests/network/*.test.mjs),tests/network)

foreign-tests:
	$(STAGE) "foreign clients" node tests/twice.mjs $(or $(wildcard tests/foreign/*.test.mjs),tests/foreign)

# Instrumented for the fuzzer, so that it is kept apart.
fuzz: export CARGO_TARGET_DIR := $(CURDIR)/target/fuzz
fuzz:
	fuzz/run.sh $(or $(FUZZ_SECONDS),60) $(FUZZ_TARGETS)

bench-attacks: setup
	cargo build --release --locked
	node benches/attacks/run.mjs

simulate:
	SEEDS=$(SEEDS) SEED=$(SEED) cargo test --locked --lib -- simulation::the_server --nocapture

soak:
	SOAK_SECONDS=$(or $(SOAK_SECONDS),3600) cargo test --locked --test integration -- soak:: --nocapture

bench-network: export MEETING_BIN = $(CARGO_TARGET_DIR)/release/meeting
bench-network: setup
	cargo build --release --locked
	NETWORK_SECONDS=20 node --test --test-reporter=spec --test-concurrency=1 tests/network/bad.test.mjs
