# Two commands do everything: `make demo` shows the checks at work, `make test` runs every test. See README.md.

CARGO ?= cargo
PREFIX ?= /usr/local
PLUGINDIR ?= $(PREFIX)/lib/nagios/plugins
FUZZ_TARGETS := reply capabilities sasl range extra_opts certificate server_hello tlsa mta_sts imap pop3 probe_header
FUZZ_SECONDS ?= $(if $(CI),60,5)
PROGRAMS := check_smtp_conn check_smtp_cert check_smtp_auth

.PHONY: all demo test lint gen gen-check deny fuzz release bench install clean help

all:
	$(CARGO) build --release

help:
	@echo "make demo | test | bench | fuzz | gen | install [PREFIX=] [DESTDIR=] | clean"

demo:
	packaging/install-deps.sh demo
	packaging/demo.sh

# The tests come last: their closing lines end the output.
test:
	packaging/install-deps.sh test
	$(MAKE) --no-print-directory lint deny gen-check fuzz release
	$(CARGO) test --workspace --no-fail-fast

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

# The advisory database is not asked: it is fetched from outside, see SECURITY.md.
deny:
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --log-level error check bans licenses sources; \
	elif [ -n "$(CI)" ]; then echo "cargo-deny is missing"; exit 1; \
	else echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"; fi

gen:
	$(CARGO) xtask gen

gen-check:
	$(CARGO) xtask gen --check

fuzz:
	@if command -v cargo-fuzz >/dev/null; then \
	for target in $(FUZZ_TARGETS); do echo "fuzz $$target, $(FUZZ_SECONDS) s"; \
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 || exit 1; done; \
	elif [ -n "$(CI)" ]; then echo "cargo-fuzz is missing"; exit 1; \
	else echo "skipped: cargo-fuzz is not installed (cargo install --locked cargo-fuzz)"; fi

# As the release packages link it: OpenSSL built from source and linked in (about two minutes the first time), at a fixed address
# (ARCHITECTURE.md has the figures).
release:
	for program in $(PROGRAMS); do \
	$(CARGO) rustc --release --features vendored-openssl --target-dir target/vendored -p $$program --bin $$program -- -C relocation-model=static && \
	target/vendored/release/$$program -V | grep 'linked in' || exit 1; done

bench:
	packaging/install-deps.sh bench
	$(CARGO) xtask bench

install: all
	for program in $(PROGRAMS); do \
	install -D -m 755 target/release/$$program $(DESTDIR)$(PLUGINDIR)/$$program && \
	install -D -m 644 man/$$program.8 $(DESTDIR)$(PREFIX)/share/man/man8/$$program.8 && \
	install -D -m 644 packaging/completions/bash/$$program $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program && \
	install -D -m 644 packaging/completions/zsh/_$$program $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$program && \
	install -D -m 644 packaging/completions/fish/$$program.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$program.fish || exit 1; done

clean:
	$(CARGO) clean
	rm -rf fuzz/target fuzz/corpus fuzz/artifacts
