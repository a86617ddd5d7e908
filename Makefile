# The short way in. Everything runs inside a Debian 13 build root that the first command makes (image/build-root).
#
#   make demo [KEEP=1]   two boxes, a fibre, photons to packets, an eavesdropper      make test    all tests
#   make build           the programs, in build/release/bin                            make bench   the figures
#   make test-page       the dashboard's page in a headless Chromium, in a build root of its own
#   make deb             Debian packages, in build/packages                            make nightly attacks and simulation, at length
#   make image           the appliance's disk, in build/image       make test-image    it starts in a virtual machine
#   make image DEBUG=1   the same with a root shell on the serial line, in build/image-debug; test keys only
#   make shell           a shell inside the build root      make run CMD='…'           a command inside it
#   make reference       docs/reference anew, as the programs describe themselves      make evidence   docs/evidence.md anew

SHELL := /bin/sh
.DEFAULT_GOAL := build
CCACHE_DIR ?= $(or $(CLOISTER_CACHE),$(XDG_CACHE_HOME),$(if $(filter 0,$(shell id -u)),/var/cache,$(HOME)/.cache))/cloister/ccache
export CCACHE_DIR
# A second checkout finds what the first has compiled.
export CCACHE_BASEDIR := $(CURDIR)
FUZZ_SECONDS ?= 30
# How often a failed test may be tried before it counts: once, but in CI, on machines that others slow down.
TRIES ?= 1
# What signs the image: a directory as image/keys makes it.
KEYS ?= build/keys
# The words as they were given, '$$' and all, for the shell inside.
override CMD := $(value CMD)
export CMD

demo_root = root=$$(image/build-root demo) && mkdir -p "$$CCACHE_DIR" && image/enter "$$root"
browser_root = root=$$(image/build-root browser) && image/enter "$$root"
test_root = root=$$(image/build-root test) && mkdir -p "$$CCACHE_DIR" && image/enter "$$root"

# What is asked for inside: configure once, then build.
configure = { [ -f build/$(1)/build.ninja ] || cmake --preset $(1) > build/$(1).log 2>&1 || { cat build/$(1).log; exit 1; }; }
built = mkdir -p build && $(call configure,$(1)) && cmake --build build/$(1) -- $(2)

.PHONY: build reference evidence deb image test-image demo test test-page nightly asan tsan checkers tidy format fuzz bench bench-distill bench-fibre bench-vpn shell run help clean

build:
	@$(demo_root) sh -c '$(call built,release,programs)'

reference: build
	@$(demo_root) tests/docs/reference --write

deb:
	@$(demo_root) sh -c '$(call built,release,packaging) && rm -rf build/packages && cpack --config build/release/CPackConfig.cmake > build/deb.log || { cat build/deb.log; exit 1; }; ls build/packages/*.deb'

image: deb
	@root=$$(image/build-root image) && CLOISTER_APPLIANCE=$$(image/build-root appliance) && export CLOISTER_APPLIANCE && \
	  { [ "$(KEYS)" != build/keys ] || image/enter "$$root" image/keys build/keys; } && \
	  SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) CLOISTER_KEYS="$(abspath $(KEYS))" CLOISTER_DEBUG_IMAGE="$(DEBUG)" image/enter "$$root" image/make build/image$(if $(DEBUG),-debug)

test-image:
	@[ -e build/image/cloister.raw ] || { echo "test-image: there is no image: run 'make image' first" >&2; exit 1; }
	@$(demo_root) sh -c '$(call built,keylog,programs)'
	@root=$$(image/build-root image) && CLOISTER_APPLIANCE=$$(image/build-root appliance) && export CLOISTER_APPLIANCE && \
	  SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) CLOISTER_KEYS="$(abspath $(KEYS))" image/enter "$$root" ctest --test-dir build/release/tests/image -L image --output-on-failure --no-tests=error

demo: build
	@$(demo_root) tests/e2e/demo $(if $(KEEP),--keep)

test:
	@$(test_root) sh -c '$(call built,keylog,programs) && $(call built,release,all) && ctest --preset release --repeat until-pass:$(TRIES)'

test-page: build
	@$(browser_root) sh -c 'rm -rf build/pictures && mkdir -p build/pictures && tests/e2e/page build/pictures'

# The attack suite at its full length, a thousand blocks of each quiet link; the simulation at its: each known mistake looked for from
# seed 0, a hundred thousand seeds of the store, five hundred of the whole chain.
nightly:
	@$(test_root) sh -c '$(call built,release,attacks simulations cloister-simulate) && CLOISTER_ATTACK_BLOCKS=1000 ctest --preset release -L attack && \
	  CLOISTER_SEEDS=10000 build/release/bin/simulations "Each mistake*" && cloister-simulate --seeds 100000 && cloister-simulate --speed chain --seeds 500'

# The tests that show what is required, and what they came to: docs/evidence.md.
evidence:
	@$(test_root) sh -c '$(call built,keylog,programs) && $(call built,release,all) && tests/docs/evidence names > build/evidence.tests && \
	  { ctest --preset release --tests-from-file "$$PWD/build/evidence.tests" --output-junit "$$PWD/build/evidence.xml"; tests/docs/evidence write build/evidence.xml; }'

asan:
	@$(test_root) sh -c '$(call built,$@,all) && ctest --preset $@ --repeat until-pass:$(TRIES)'

# Of what has threads.
tsan:
	@$(test_root) sh -c '$(call built,$@,threaded) && ctest --preset $@ --repeat until-pass:$(TRIES)'

# What asan, tsan and fuzz are going to run.
checkers:
	@$(test_root) sh -c '$(call built,asan,all) && $(call built,tsan,threaded)'

tidy:
	@$(test_root) tests/tidy/clang-tidy-changed

format:
	@$(test_root) sh -c 'git ls-files "*.cpp" "*.hpp" | xargs clang-format-19 -i'

fuzz:
	@$(test_root) sh -c '$(call built,asan,fuzzers) && tests/fuzz/run $(FUZZ_SECONDS)'

bench:
	@$(test_root) sh -c '$(call built,release,all) && tests/bench/run distill fibre vpn'

bench-distill bench-fibre bench-vpn:
	@$(test_root) sh -c '$(call built,release,all) && tests/bench/run $(@:bench-%=%)'

shell:
	@$(demo_root) bash

run:
	@[ -n "$$CMD" ] || { echo "run: say what: make run CMD='cloisterctl --help'" >&2; exit 2; }
	@$(demo_root) sh -c "$$CMD"

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	rm -rf build
