# profile-migrate: one file builds everything; `make help` lists the verbs.
#
# What comes out, all of it under $(BUILD):
#
#   libmigrate.a         runtime/{base,model,db,schema,run,tool}: shared by both executables
#   libcli.a             runtime/cli: main and one object a command
#   libstatic.a          runtime/static: what only a static executable needs
#   libgen.a             gen/ without its main, so that unit tests can link it
#   migrate-gen          the authoring tool, dynamically linked
#   gen/                 the C that migrate-gen wrote from $(MIGRATIONS)
#   $(NAME)              the deployable: the generated C and the libraries, static-pie, stripped; $(NAME).debug beside it
#
# The last two steps are the rules of gen/project.mk, which is also what `make install` gives to other repositories.
#
# Variables: MIGRATIONS (folder of streams), BUILD (output), NAME (the executable), SAN (address,undefined or thread),
# WERROR=1 (warnings are errors; so where CI is set), V=1 (show every command), TOOLS (a BUILD that is there already:
# its libraries and migrate-gen are used as they are), MODULES and TESTS (build and run a part only:
# MODULES="base model" TESTS="graph target"), FUZZ_SECONDS, PREFIX, DESTDIR.

VERSION := 0.1.0

MIGRATIONS ?= migrations
NAME       ?= profile-migrate
SAN        ?=
WERROR     ?= $(if $(CI),1)
V          ?=
comma      := ,
BUILD      ?= build$(if $(SAN),/$(subst $(comma),-,$(SAN)))
TOOLS      ?= $(BUILD)
# Another spelling of the same folder is no other folder: it would mean other flags, and everything made anew.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
override TOOLS := $(patsubst $(CURDIR)/%,%,$(abspath $(TOOLS)))
MODULES    ?= base model db schema run tool
TESTS      ?=
PREFIX     ?= /usr/local
DESTDIR    ?=

SHELL := /bin/bash
# Sorting and messages must not depend on who builds.
export LC_ALL := C
# Nothing reads the clock, but compilers would (__DATE__): the same input gives the same bytes.
export SOURCE_DATE_EPOCH ?= 0
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: FORCE
.DEFAULT_GOAL := all
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-7s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$(or $(2),$@))')

# Every core, unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# Everything that is needed to build, test, lint and measure, and nothing else: all from Debian bookworm.
# postgresql-server-dev-15 is there for libpgcommon_shlib.a and libpgport_shlib.a, which a static libpq needs.
# DEPS_BUILD is the part that building the executables and an image of one takes.
DEPS_BUILD := gcc libc6-dev binutils make pkg-config xxd \
	libpq-dev postgresql-server-dev-15 libsqlite3-dev libssl-dev zlib1g-dev \
	libglib2.0-dev libjansson-dev libpg-query-dev uthash-dev ca-certificates
DEPS := $(DEPS_BUILD) git \
	libcmocka-dev postgresql-15 sqlite3 openssl procps pgbouncer \
	python3 alembic python3-sqlalchemy python3-psycopg2 python3-asyncpg python3-yaml \
	groff-base iproute2 util-linux gnuplot-nox umoci systemd \
	clang clang-format clang-tidy libclang-rt-14-dev cppcheck shellcheck valgrind strace
# Only for `make test-cluster`: daemons that nobody wants on a machine that does not need them.
DEPS_CLUSTER := slurm-wlm munge

# ---------------------------------------------------------------------------------------------------------- flags

PG_MAJOR := 15
PGLIB    := /usr/lib/postgresql/$(PG_MAJOR)/lib

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wcast-qual -Wimplicit-fallthrough \
	-Wswitch-enum $(if $(WERROR),-Werror)

# Hardening that a sanitizer build must do without: fortified functions hide what the sanitizer wants to see.
HARDENING := -O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -fcf-protection=full
SANITIZER := -O1 -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all

# No path of this machine may reach an object, or the executable would depend on the folder that it was built in.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(abspath $(BUILD))=build -ffile-prefix-map=$(BUILD)=build

# Evaluated once, and only by a rule that compiles: before `make deps` there is no pkg-config.
GLIB_CFLAGS = $(eval GLIB_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0)))$(GLIB_CFLAGS)
GLIB_LIBS   = $(eval GLIB_LIBS := $(shell pkg-config --libs glib-2.0))$(GLIB_LIBS)

# HASH_FUNCTION is uthash's: the default (Jenkins) relies on unaligned and unsigned tricks that sanitizers report.
CPPFLAGS := -D_GNU_SOURCE -DMIGRATE_VERSION='"$(VERSION)"' -DHASH_FUNCTION=HASH_FNV \
	-Iruntime -I. -isystem /usr/include/postgresql
CFLAGS   := -std=gnu17 -g -fPIE -fno-common -ffunction-sections -fdata-sections \
	$(if $(SAN),$(SANITIZER),$(HARDENING)) $(PREFIX_MAP) $(WARNINGS)
LDFLAGS  := -pie $(if $(SAN),-fsanitize=$(SAN)) -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections

# libpg_query comes in as an archive, so that migrate-gen runs where only the usual shared libraries are.
GEN_LIBS = -Wl,-Bstatic -lpg_query -Wl,-Bdynamic $(GLIB_LIBS)
LIB_LIBS = -ljansson -lpq -lsqlite3 -lcrypto -lpthread

# ---------------------------------------------------------------------------------------------------------- sources

LIB_SRC    := $(sort $(foreach m,$(MODULES),$(wildcard runtime/$(m)/*.c)))
CLI_SRC    := $(sort $(wildcard runtime/cli/*.c))
STATIC_SRC := $(sort $(wildcard runtime/static/*.c))
GEN_SRC    := $(sort $(wildcard gen/*.c gen/*/*.c))
HEADERS    := $(sort $(wildcard runtime/*/*.h))
UNIT_SRC   := $(sort $(if $(TESTS),$(foreach t,$(TESTS),$(wildcard tests/unit/test_$(t).c)),$(wildcard tests/unit/test_*.c)))
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
PEER_SRC   := $(sort $(wildcard tests/integration/peer_*.c))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ_SRC))
PEERS   := $(patsubst tests/integration/%.c,$(BUILD)/tests/%,$(PEER_SRC))
MAN     := $(BUILD)/man/$(NAME).1 $(BUILD)/man/migrate-gen.1
COMPLETIONS := $(foreach p,$(NAME) migrate-gen,$(addprefix $(BUILD)/completions/,$(p) _$(p) $(p).fish))

# ---------------------------------------------------------------------------------------------------------- verbs

.PHONY: help all deps deps-build deps-cluster image-root oci demo revision fingerprints verify test test-unit test-integration test-cluster lint fuzz fuzz-smoke bench \
	man docs install release clean format tidy static-build lib unit tools installable tests-ready fuzzers

all: $(BUILD)/$(NAME) $(TOOLS)/migrate-gen	## build both executables (the default)

# $(call install_packages,PACKAGES)
define install_packages
	@missing=(); for p in $(1); do \
		[[ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$p" 2>/dev/null)" == installed ]] || missing+=("$$p"); done; \
	if [[ $${#missing[@]} -eq 0 ]]; then echo "deps: all $(words $(1)) packages are installed"; exit 0; fi; \
	sudo=(); [[ $$(id -u) == 0 ]] || sudo=(sudo); \
	apt=("$${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300); \
	set -x; "$${apt[@]}" update && "$${apt[@]}" install -y --no-install-recommends "$${missing[@]}"
endef

help:	## this list
	@awk -F '\t+## ' '/^[a-z-]+:.*\t## /{sub(/:.*/, "", $$1); printf "  make %-18s %s\n", $$1, $$2}' Makefile
	@echo
	@sed -n '/^# Variables: /,/^$$/s/^# //p' Makefile

deps:	## install the Debian packages that everything here needs (uses sudo unless root)
	$(call install_packages,$(DEPS))

deps-build:	## install those that building takes, and no more: for a build in a container
	$(call install_packages,$(DEPS_BUILD))

deps-cluster:	## install the packages that test-cluster needs besides (apt)
	$(call install_packages,$(DEPS_CLUSTER))

demo: all	## a shared database and five tenants on SQLite, from nothing to head
	@tests/demo.sh $(abspath $(BUILD)/$(NAME))

revision: $(TOOLS)/migrate-gen	## write the next revision: STREAM=tenant M="add documents"; AUTO=1 from the models (TENANT=acme, SCRATCH=URL)
	@$(if $(and $(STREAM),$(M)),,echo 'usage: make revision STREAM=tenant M="add documents" [AUTO=1 [TENANT=acme] [SCRATCH=URL]]' >&2; exit 2)
	@$(TOOLS)/migrate-gen --migrations '$(MIGRATIONS)' '$(STREAM)' revision -m "$$M" \
		$(if $(AUTO),--autogenerate --program '$(NAME)' $(if $(TENANT),--tenant '$(TENANT)') $(if $(SCRATCH),--scratch '$(SCRATCH)'))

fingerprints: $(TOOLS)/migrate-gen	## write what the revisions build beside them, for drift: after each new or edited revision
	@$(TOOLS)/migrate-gen --migrations '$(MIGRATIONS)' $(STREAM) fingerprint $(if $(SCRATCH),--scratch '$(SCRATCH)')

verify: $(TOOLS)/migrate-gen	## run each revision up, down and up again, in every order, and measure its locks (STREAM=tenant SEED=FILE SCRATCH=URL)
	@$(TOOLS)/migrate-gen --migrations '$(MIGRATIONS)' $(STREAM) verify $(if $(SEED),--seed '$(SEED)') $(if $(SCRATCH),--scratch '$(SCRATCH)')

test: tests-ready	## every test: unit, and integration with a real PostgreSQL (SAN=address,undefined or SAN=thread)
	@tests/run --unit --integration $(TESTS)

test-unit: unit	## the unit tests alone
	@tests/run --unit $(TESTS)

test-integration: tests-ready	## the integration tests alone (TESTS="fleet static" picks)
	@tests/run --integration $(TESTS)

test-cluster: all deps-cluster	## a fleet on a real Slurm of this machine, with workers killed at random (TENANTS=500)
	@tests/cluster/run

lint: tests-ready $(BUILD)/libgen.a tidy	## clang-tidy, formatter, cppcheck, shellcheck, layers, symbols, hardening…
	@tests/lint/run

format:	## let clang-format rewrite the sources
	@clang-format -i $(sort $(wildcard runtime/*/*.[ch] gen/*.[ch] gen/*/*.[ch] tests/*/*.[ch]))

fuzz: fuzzers	## run every libFuzzer target for FUZZ_SECONDS (20) each
	@tests/fuzz/run --seconds $(FUZZ_SECONDS) $(FUZZERS)

fuzz-smoke: fuzzers	## replay the stored fuzzing inputs once
	@tests/fuzz/run --replay $(FUZZERS)

bench: all	## measure beside peers; medians, never a timed test (TESTS="database fleet build" picks)
	@tests/bench/run $(TESTS)

man: $(MAN)	## the manual pages, made from the option tables

docs: $(TOOLS)/migrate-gen	## write docs/configuration.md and docs/rules.md from the tables of settings and rules
	@mkdir -p $(BUILD)
	@for page in configuration rules; do \
		$(TOOLS)/migrate-gen help --$$page >$(BUILD)/$$page.md || exit; \
		cmp -s $(BUILD)/$$page.md docs/$$page.md || cp $(BUILD)/$$page.md docs/$$page.md; done

image-root: $(BUILD)/$(NAME)	## $(BUILD)/image-root: the whole file system of a container image, for docs/deploy/Dockerfile
	$(call say,IMAGE,$(BUILD)/image-root)
	$(Q)gen/image.sh root $(BUILD)/$(NAME) $(BUILD)/image-root

oci: image-root	## $(BUILD)/oci/$(NAME).tar: that image as an OCI tarball NAME:VERSION, without a container engine
	$(call say,OCI,$(BUILD)/oci/$(NAME).tar)
	$(Q)gen/image.sh oci $(BUILD)/image-root $(BUILD)/oci/$(NAME).tar '$(NAME)' '$(VERSION)'

release: $(BUILD)/$(NAME)	## $(BUILD)/release: executable, debug file, SHA256SUMS, bill of materials, checksums of revisions, manual
	$(project) release

clean:	## remove $(BUILD)
	rm -rf $(BUILD)

lib: $(BUILD)/libmigrate.a
unit: $(UNIT)
tools: $(BUILD)/migrate-gen $(BUILD)/libmigrate.a $(BUILD)/libcli.a $(BUILD)/libstatic.a
# What tests install is made before, since several would make it at once.
tests-ready: all unit $(PEERS) $(if $(SAN),static-build,$(if $(filter $(BUILD),$(TOOLS)),installable))
# A sanitizer's executable is dynamic; the tests of the static one then use an ordinary build beside it.
static-build:
	@+$(MAKE) --no-print-directory SAN= BUILD=$(STATIC_DIR) all installable
STATIC_DIR := $(BUILD)$(if $(SAN),/static)
fuzzers: $(FUZZERS)
FUZZ_SECONDS ?= 20

# What the tests and lints ask for: absolute paths, so that a script may change its folder.
export BUILD_DIR   = $(abspath $(BUILD))
export TOOLS_DIR   = $(abspath $(TOOLS))
export MIGRATE     = $(BUILD_DIR)/$(NAME)
export MIGRATE_GEN = $(TOOLS_DIR)/migrate-gen
export STATIC_BUILD = $(abspath $(STATIC_DIR))
export NAME VERSION SAN M

# ---------------------------------------------------------------------------------------------------------- libraries

# A file whose time changes only when its text does: $(call remember,TEXT).
remember = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# Other flags mean other objects; a source that went away must leave its archive.
$(BUILD)/flags: FORCE
	$(call remember,$(CC) $(CPPFLAGS) $(CFLAGS))
$(BUILD)/sources: FORCE
	$(call remember,$(LIB_SRC) $(CLI_SRC) $(STATIC_SRC) $(GEN_SRC))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(EXTRA_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/obj/gen/%.o $(BUILD)/obj/tests/unit/test_gen_%.o $(BUILD)/obj/tests/integration/peer_gen_%.o: \
	EXTRA_CFLAGS = $(GLIB_CFLAGS)

-include $(patsubst %.o,%.d,$(call objects,$(LIB_SRC) $(CLI_SRC) $(STATIC_SRC) $(GEN_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(PEER_SRC)))

# D: no times, no owners. The archive is made anew, since `ar r` keeps members whose source is gone, and takes its place
# whole, since a link of somebody else's may be reading the old one.
archive = @rm -f $@.new; $(AR) rcsD $@.new $(filter %.o,$^) && mv $@.new $@
$(BUILD)/libmigrate.a: $(call objects,$(LIB_SRC)) $(BUILD)/sources
	$(archive)
$(BUILD)/libcli.a: $(call objects,$(CLI_SRC)) $(BUILD)/sources
	$(archive)
$(BUILD)/libstatic.a: $(call objects,$(STATIC_SRC)) $(BUILD)/sources
	$(archive)
$(BUILD)/libgen.a: $(call objects,$(filter-out gen/main.c,$(GEN_SRC))) $(BUILD)/sources
	$(archive)

# ---------------------------------------------------------------------------------------------------------- executables

$(BUILD)/migrate-gen: $(call objects,gen/main.c) $(BUILD)/libgen.a $(BUILD)/libmigrate.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(GEN_LIBS) $(LIB_LIBS)

# What somebody else's TOOLS hold is never made here.
tools_files := $(addprefix $(TOOLS)/,migrate-gen libmigrate.a libcli.a libstatic.a)
ifneq ($(TOOLS),$(BUILD))
$(tools_files):
	@echo '$@ is not there; make BUILD=$(TOOLS) builds it' >&2; exit 1
endif

# project.mk looks at the migrations itself, so it is asked every time; with nothing changed that takes a moment only.
project = @+$(MAKE) --no-print-directory -f gen/project.mk MIGRATIONS='$(MIGRATIONS)' BUILD='$(BUILD)' NAME='$(NAME)' \
	SAN='$(SAN)' V='$(V)' WERROR='$(WERROR)' MIGRATE_GEN='$(TOOLS)/migrate-gen' MIGRATE_LIB='$(TOOLS)' MIGRATE_INCLUDE=runtime
$(BUILD)/$(NAME): $(tools_files) FORCE
	$(project)

# ---------------------------------------------------------------------------------------------------------- tests

# tests/unit/test_NAME.c is one executable; test_gen_NAME.c may use what gen/ holds as well.
TAP := $(call objects,tests/unit/tap.c)
UNIT_CFLAGS := -Wno-missing-prototypes
$(BUILD)/obj/tests/unit/%.o: CFLAGS += $(UNIT_CFLAGS)
$(BUILD)/unit/test_gen_%: $(BUILD)/obj/tests/unit/test_gen_%.o $(TAP) $(BUILD)/libgen.a $(BUILD)/libmigrate.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(GEN_LIBS) $(LIB_LIBS)
$(BUILD)/unit/test_%: $(BUILD)/obj/tests/unit/test_%.o $(TAP) $(BUILD)/libmigrate.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIB_LIBS)
# Programs that integration tests compare with others: tests/integration/peer_NAME.c; peer_gen_NAME.c as above.
$(BUILD)/tests/peer_gen_%: $(BUILD)/obj/tests/integration/peer_gen_%.o $(BUILD)/libgen.a $(BUILD)/libmigrate.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(GEN_LIBS) $(LIB_LIBS)
$(BUILD)/tests/peer_%: $(BUILD)/obj/tests/integration/peer_%.o $(BUILD)/libmigrate.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)
.SECONDARY:

# clang-tidy is slow, so each file has a stamp, and only what changed is read again.
tidy: $(patsubst %.c,$(BUILD)/tidy/%.ok,$(LIB_SRC) $(CLI_SRC) $(STATIC_SRC) $(GEN_SRC))
$(BUILD)/tidy/%.ok: %.c $(HEADERS) $(wildcard gen/*.h gen/*/*.h) .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- -std=gnu17 $(CPPFLAGS) $(GLIB_CFLAGS) 2>$@.log || { cat $@.log >&2; exit 1; }
	@touch $@

# Fuzzing wants every object built by clang with coverage, so the libraries are made again in a folder of their own.
$(BUILD)/fuzz/libgen.a $(BUILD)/fuzz/libmigrate.a &: FORCE
	@+$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined WARNINGS= \
		$(BUILD)/fuzz/libgen.a $(BUILD)/fuzz/libmigrate.a
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/fuzz/libgen.a $(BUILD)/fuzz/libmigrate.a
	$(call say,CLANG)
	$(Q)clang $(CPPFLAGS) $(GLIB_CFLAGS) -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $^ $(GEN_LIBS) $(LIB_LIBS)

# ---------------------------------------------------------------------------------------------------------- documents

$(BUILD)/man/$(NAME).1: $(BUILD)/$(NAME)
	@mkdir -p $(@D)
	$< help --man >$@
$(BUILD)/man/migrate-gen.1: $(BUILD)/migrate-gen
	@mkdir -p $(@D)
	$< help --man >$@

# bash loads NAME, zsh _NAME, fish NAME.fish.
completion = @mkdir -p $(@D); $< completion $(if $(filter %.fish,$@),fish,$(if $(filter _%,$(@F)),zsh,bash)) >$@
$(addprefix $(BUILD)/completions/,$(NAME) _$(NAME) $(NAME).fish): $(BUILD)/$(NAME)
	$(completion)
$(addprefix $(BUILD)/completions/,migrate-gen _migrate-gen migrate-gen.fish): $(BUILD)/migrate-gen
	$(completion)

installable: tools man $(COMPLETIONS)
install: installable	## migrate-gen, library, headers, build rules, manuals and completions into PREFIX (honours DESTDIR)
	install -D -m 755 $(BUILD)/migrate-gen '$(INTO)/bin/migrate-gen'
	install -d '$(INTO)/lib/profile-migrate' '$(INTO)/share/profile-migrate' '$(INTO)/share/man/man1' \
		'$(INTO)/share/bash-completion/completions' '$(INTO)/share/zsh/site-functions' '$(INTO)/share/fish/vendor_completions.d'
	install -m 644 $(addprefix $(BUILD)/,libmigrate.a libcli.a libstatic.a) '$(INTO)/lib/profile-migrate'
	for h in $(HEADERS:runtime/%=%); do \
		install -D -m 644 runtime/$$h '$(INTO)'/include/profile-migrate/$$h || exit; done
	install -m 644 gen/project.mk '$(INTO)/share/profile-migrate/profile-migrate.mk'
	install -m 755 gen/sbom.sh gen/release.sh '$(INTO)/share/profile-migrate'
	install -m 644 $(MAN) '$(INTO)/share/man/man1'
	install -m 644 $(addprefix $(BUILD)/completions/,$(NAME) migrate-gen) '$(INTO)/share/bash-completion/completions'
	install -m 644 $(addprefix $(BUILD)/completions/_,$(NAME) migrate-gen) '$(INTO)/share/zsh/site-functions'
	install -m 644 $(addsuffix .fish,$(addprefix $(BUILD)/completions/,$(NAME) migrate-gen)) '$(INTO)/share/fish/vendor_completions.d'
INTO = $(DESTDIR)$(PREFIX)
