# Two commands do everything: `make demo` shows the checks at work, `make test` runs every test. See README.md.

CARGO ?= cargo
PREFIX ?= /usr/local
PLUGINDIR ?= $(PREFIX)/lib/nagios/plugins
FUZZ_TARGETS := reply message capabilities sasl range extra_opts certificate server_hello tlsa mta_sts imap pop3 probe_header trace
FUZZ_SECONDS ?= $(if $(CI),60,5)
PROGRAMS := check_smtp_conn check_smtp_cert check_smtp_auth check_smtp_delivery

.PHONY: all demo test test-packaged packages-if-possible lint gen gen-check deny fuzz release packages reproducible bench install clean help

all:
	$(CARGO) build --release $(PROGRAMS:%=-p %)

help:
	@echo "make demo | test | bench | fuzz | gen | packages | reproducible | install [PREFIX=] [DESTDIR=] | clean"

demo:
	packaging/install-deps.sh demo
	packaging/demo.sh

# The tests come last: their closing lines end the output.
test:
	packaging/install-deps.sh test
	$(MAKE) --no-print-directory lint deny gen-check fuzz packages-if-possible
	@if [ -d $(PACKAGED) ]; then export SMTP_PLUGIN_DIR=$(PACKAGED)/usr/lib/nagios/plugins; fi; $(CARGO) test --workspace --no-fail-fast

# The engines run the checks as the .deb holds them.
PACKAGED := $(CURDIR)/target/packages/unpacked
packages-if-possible:
	@if packaging/release.sh --check; then 	$(MAKE) --no-print-directory packages test-packaged && rm -rf $(PACKAGED) && 	if command -v dpkg-deb >/dev/null; then dpkg-deb -x target/packages/smtp-monitoring-plugins_*_amd64.deb $(PACKAGED); fi; 	elif [ -n "$(CI)" ]; then exit 1; 	else echo "skipped: making the packages, and their tests"; rm -rf target/packages; fi

# Every dialogue once more with the programs of the packages, whose OpenSSL, C library and linking are their own. Left out: a key derivation
# that is slow in a debug build alone; words of the C library; a stapled response that cannot be read, at which OpenSSL 3.6 ends the handshake.
test-packaged:
	CHECK_PROGRAMS=$(CURDIR)/target/vendored/release $(CARGO) test --quiet --no-fail-fast $(PROGRAMS:%=-p %) --test cases -- \
	--skip scram_slow_derivation --skip source_address_is_not_ours --skip garbage

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

# As the packages hold it: fully static, OpenSSL built from source (some minutes the first time). ARCHITECTURE.md has the figures.
release:
	packaging/release.sh $(PROGRAMS)

# The .deb, the .rpm and the tarball, in target/packages.
packages: release
	$(CARGO) xtask package

# Builds everything a second time in a fresh clone elsewhere: the same packages, byte for byte.
reproducible: packages
	packaging/reproducible.sh

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
