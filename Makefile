# SPDX-License-Identifier: MIT
#
# One command each; Meson and Ninja do the work. `make help` lists the targets.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build
.PHONY: build help check check-all soak demo bench bench-run asan oracle sim stories drill-adapter drill-original fuzz mutate coverage format install-deps clean

# Quiet unless something is wrong.
define configure
	@[ -f $(1)/build.ninja ] || { out=$$(meson setup $(1) . $(2) 2>&1) || { echo "$$out"; exit 1; }; }
endef
define compile
	@out=$$(ninja -C $(1) 2>&1) || { echo "$$out"; exit 1; }; echo "$$out" | grep -A 8 'warning:' || true
endef
# A part that is not in this tree says so.
define absent
	@[ -x $(1) ] || { echo "make $@: $(1) is not in this tree"; exit 1; }
endef

build: ## build/lastack, build/liblastack.a, build/liblastack.so
	@tools/setup build
	$(call configure,build)
	$(call compile,build)

asan: ## the same under ASan and UBSan, in build-asan
	@tools/setup build
	$(call configure,build-asan,$(sanitize))
	$(call compile,build-asan)
comma := ,
sanitize := -Db_sanitize=address$(comma)undefined -Db_lundef=false

check: ## tests: unit, scenarios, short wire tests, layers, symbols; T=part of a name picks
	@tools/setup check
	@$(MAKE) build
	@tools/run-tests --suite check -k "$(T)" build

check-all: ## check and the longer tests, then everything again under ASan and UBSan
	@tools/setup all
	@$(MAKE) build
	@$(MAKE) asan
	@tools/run-tests --suite check --suite all -k "$(T)" build build-asan

soak: ## tests that take hours
	@tools/setup all
	@$(MAKE) build
	@tools/run-tests --suite soak -k "$(T)" build

sim: ## the random world of SEED (1), with its ladder; or the word WORD="data threads 0r1x" of two tasks
	@$(MAKE) build
	@$(if $(WORD),build/sim-interleave "$(WORD)",build/sim-lives -v $(or $(SEED),1) 1)

stories: ## SEED (1), COUNT (2000): this kernel and Lastack tell the same random stories of STEPS (12); what differs; the machine should be quiet
	@tools/setup check
	@$(MAKE) build
	@build/stories $(or $(SEED),1) $(or $(COUNT),2000) $(or $(STEPS),12)

demo: ## real programs of this kernel talk to Lastack over a TUN device
	$(call absent,demo/run)
	@tools/setup demo
	@$(MAKE) build
	@demo/run

bench: ## lives per second beside the kernel's loopback; bytes per connection
	@tools/setup build
	@$(MAKE) build
	@ls bench/*.c >/dev/null 2>&1 || { echo "make bench: no program in bench/ yet"; exit 1; }
	@for f in bench/*.c; do build/bench-$$(basename $$f .c) || exit 1; done

bench-run: ## nginx, redis, iperf3 on Lastack beside the kernel over the same kind of device; SECONDS (2) each
	@tools/setup bench
	@$(MAKE) build
	@bench/run $(or $(SECONDS),2)

oracle: ## every script of tests/packet on Lastack and on this kernel, one after the other, compared; T= a file or folder
	@tools/setup check
	@$(MAKE) build
	@build/lastack drill --on both $(or $(T),tests/packet)

drill-adapter: ## the original packetdrill (PACKETDRILL) plays a folder of scripts (CLOSE_MATRIX) on the library; T= picks
	@$(MAKE) build
	@tests/oracle/run $(T)

fuzz: ## N (a million) changed scripts through drill's parser under ASan, beginning with SEED
	@tools/setup build
	$(call configure,build-asan,$(sanitize))
	@out=$$(ninja -C build-asan fuzz-drill_parse 2>&1) || { echo "$$out"; exit 1; }
	@build-asan/fuzz-drill_parse $(or $(N),1000000) $(or $(SEED),1) $$(find tests/packet tests/oracle -name '*.pkt' | sort)

mutate: ## COUNT (100) mistakes drawn with SEED (1) in the life of a connection: do the tests notice them?
	@tools/setup check
	@tools/mutate --seed $(or $(SEED),1) --count $(or $(COUNT),100)

coverage: ## lines and branches of the same files (tools/mutate.files) that make check reaches, by gcov; V=-v lists the rest
	@tools/setup check
	$(call configure,build-coverage,-Db_coverage=true -Dlto=false -Doptimization=0)
	$(call compile,build-coverage)
	@find build-coverage -name '*.gcda' -delete
	@tools/run-tests --suite check build-coverage || echo "coverage: in a build that counts, tests of symbols, of stderr and of time fail; what they reached counts"
	@tools/coverage $(V) build-coverage

drill-original: ## drill on this kernel beside the original packetdrill (PACKETDRILL) on a folder of scripts (SCRIPTS); T= picks
	@$(MAKE) build
	@CONGESTION="$${CONGESTION-reno cubic bbr}" tools/drill-original $(T)

format: ## clang-format over every C file
	@tools/setup format
	@git ls-files '*.[ch]' | xargs -r clang-format -i

install-deps: ## the Debian packages of all targets
	@tools/setup build check all demo bench format

clean: ## removes build, build-asan and build-coverage
	@rm -rf build build-asan build-coverage

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* *## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r t d; do printf '%-13s %s\n' "$$t" "$$d"; done
