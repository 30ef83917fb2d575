# From a folder of migrations to one executable: the build rules of any project.
#
# In another repository, after `make install` here, either include it, which adds a rule for $(BUILD)/$(NAME):
#
#     NAME := billing-migrate
#     MIGRATE_VERBS := revision lint verify release
#     include /usr/local/share/profile-migrate/profile-migrate.mk
#
# or run it: make -f /usr/local/share/profile-migrate/profile-migrate.mk MIGRATIONS=… BUILD=… NAME=…
#
# MIGRATIONS (migrations), BUILD (build) and NAME (profile-migrate) may be set before. An includer has the targets
# migrate-revision, migrate-fingerprints, migrate-check, migrate-lint, migrate-verify and migrate-release, and by the short
# name those that MIGRATE_VERBS lists; they take the variables STREAM, M, AUTO, TENANT, SCRATCH and SEED.
#
# Three variables say where the tools are; they default to the installed places, relative to this file:
# MIGRATE_GEN (the generator), MIGRATE_LIB (folder of libmigrate.a, libcli.a, libstatic.a), MIGRATE_INCLUDE (headers).
#
# What is made, under $(BUILD):
#
#   gen/inputs              names, sizes and times of everything in MIGRATIONS; changes when a file does, or comes, or goes
#   gen/sources.mk, *.c     written by `migrate-gen compile`, which leaves a file alone when its text is the same
#   gen/*.o                 so that one changed revision compiles one small object and its stream's table
#   gen/linked-*            the libraries of others: joined, listed, watched, and their bill of materials (sbom.sh)
#   $(NAME)                 static-pie and stripped; $(NAME).debug holds the debug information
#   release/                by the goal "release": all that is handed over (release.sh)
#
# BUILD and NAME hold no space, since make could not tell them from two names. The folder of the project may, and the one
# that all this was installed in: a link without a space then leads there.

# $(call migrate_self,WORD,WORDS BEFORE): the path of this file, which stands last in MAKEFILE_LIST, in pieces if it has spaces.
migrate_blank := $(subst ,, )
migrate_self = $(if $(or $(wildcard $(subst $(migrate_blank),\$(migrate_blank),$1)),$(if $2,,none)),$1,$(call \
	migrate_self,$(lastword $2) $1,$(wordlist 2,$(words $2),x $2)))
MIGRATE_RULES := $(call migrate_self,$(lastword $(MAKEFILE_LIST)),$(wordlist 2,$(words $(MAKEFILE_LIST)),x $(MAKEFILE_LIST)))
MIGRATIONS    ?= migrations
BUILD         ?= build
NAME          ?= profile-migrate

migrate_spaced  := $(findstring $(migrate_blank),$(MIGRATE_RULES))
migrate_prefix  := $(if $(migrate_spaced),$(BUILD)/gen/linked-tools,$(patsubst %/,%,$(dir $(MIGRATE_RULES)))/../..)
MIGRATE_GEN     ?= $(migrate_prefix)/bin/migrate-gen
MIGRATE_LIB     ?= $(migrate_prefix)/lib/profile-migrate
MIGRATE_INCLUDE ?= $(migrate_prefix)/include/profile-migrate

ifneq ($(if $(migrate_spaced),spaced,$(words $(MAKEFILE_LIST))),1)

# Included: the work is done by a make of its own, so that nothing here meets the variables and goals of the includer.
migrate_make = @+$(MAKE) --no-print-directory -f $(if $(migrate_spaced),$(migrate_prefix)/share/profile-migrate/profile-migrate.mk,'$(MIGRATE_RULES)') \
	MIGRATIONS='$(MIGRATIONS)' BUILD='$(BUILD)' NAME='$(NAME)' \
	MIGRATE_GEN='$(MIGRATE_GEN)' MIGRATE_LIB='$(MIGRATE_LIB)' MIGRATE_INCLUDE='$(MIGRATE_INCLUDE)'
migrate_run = @'$(MIGRATE_GEN)' --migrations '$(MIGRATIONS)' $(STREAM)
migrate_scratch = $(if $(SCRATCH),--scratch '$(SCRATCH)')

.PHONY: migrate-force migrate-revision migrate-fingerprints migrate-check migrate-lint migrate-verify migrate-release $(MIGRATE_VERBS)
$(BUILD)/$(NAME): migrate-force
	$(migrate_make)

migrate-force:
	@$(if $(migrate_spaced),mkdir -p $(BUILD)/gen && ln -sfn "$$(cd '$(subst /profile-migrate.mk,,$(MIGRATE_RULES))/../..' && pwd)" $(migrate_prefix),:)

migrate-revision: migrate-force
	@$(if $(and $(STREAM),$(M)),:,echo 'usage: make migrate-revision STREAM=tenant M="add documents"' >&2; exit 2)
	$(migrate_run) revision -m '$(subst ','\'',$(M))' \
		$(if $(AUTO),--autogenerate --program '$(NAME)' $(if $(TENANT),--tenant '$(TENANT)') $(migrate_scratch))
migrate-fingerprints: migrate-force
	$(migrate_run) fingerprint $(migrate_scratch)
migrate-check: migrate-force
	$(migrate_run) check --program '$(NAME)' $(migrate_scratch)
migrate-lint: migrate-force
	$(migrate_run) lint
migrate-verify: migrate-force
	$(migrate_run) verify $(if $(SEED),--seed '$(SEED)') $(migrate_scratch)
migrate-release: migrate-force
	$(migrate_make) release

$(MIGRATE_VERBS): %: migrate-%

ifeq ($(MIGRATE_RULES),$(strip $(MAKEFILE_LIST)))
# Not included, but for a space in their path these rules could not be run as they lie there.
.PHONY: release
release: migrate-release
endif

else

# What lies beside this file: bill of materials, release.
migrate_scripts := $(dir $(MIGRATE_RULES))

SHELL := /bin/bash
export LC_ALL := C
export SOURCE_DATE_EPOCH ?= 0
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: FORCE
.DEFAULT_GOAL := $(BUILD)/$(NAME)
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-7s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$(or $(2),$@))')

GEN := $(BUILD)/gen

# ---------------------------------------------------------------------------------------------------------- generate

# A list instead of prerequisites: make cannot hold file names with spaces, and would not notice one that went away.
$(GEN)/inputs: FORCE
	@mkdir -p $(GEN)
	@find -L '$(MIGRATIONS)' -type f -printf '%P %s %T@\n' | sort >$@.new && \
		if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(GEN)/built-as: FORCE
	@mkdir -p $(GEN)
	@printf '%s\n' '$(NAME)' >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(GEN)/generated: $(GEN)/inputs $(GEN)/built-as $(MIGRATE_GEN)
	$(call say,GEN,$(MIGRATIONS))
	$(Q)'$(MIGRATE_GEN)' compile --migrations '$(MIGRATIONS)' --output '$(GEN)' --program '$(NAME)'
	@touch $@

# make reads this before anything else, finds it out of date, runs the two rules above, and starts afresh if it changed.
$(GEN)/sources.mk: $(GEN)/generated
	@test -f $@

include $(GEN)/sources.mk

# ---------------------------------------------------------------------------------------------------------- compile

# Constant data only, all of it used, so nothing is gained by optimising, by debug information or by a section for each
# table; all three would cost time, the last one at every link.
# .incbin names its file relative to $(GEN), so that no path of this machine reaches an object.
PROJECT_CFLAGS := -std=gnu17 -O0 -g0 -fPIE -fno-common -Wall -Wextra $(if $(WERROR),-Werror) \
	-ffile-prefix-map=$(BUILD)=build \
	$(if $(filter-out thread,$(SAN)),-fsanitize=$(SAN)) -I$(MIGRATE_INCLUDE) -Wa,-I,$(GEN)

project_objects := $(patsubst %.c,$(GEN)/%.o,$(patsubst $(GEN)/%,%,$(GEN_SOURCES)))

$(GEN)/flags: FORCE
	@printf '%s\n' '$(CC) $(PROJECT_CFLAGS)' >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(project_objects): $(GEN)/%.o: $(GEN)/%.c $(GEN)/flags $(wildcard $(MIGRATE_INCLUDE)/model/*.h $(MIGRATE_INCLUDE)/base/*.h)
	$(call say,CC)
	$(Q)$(CC) $(PROJECT_CFLAGS) -c -o $@ $<

# ---------------------------------------------------------------------------------------------------------- link

PG_MAJOR ?= 15
PGLIB    ?= /usr/lib/postgresql/$(PG_MAJOR)/lib

project_libs := $(addprefix $(MIGRATE_LIB)/,libcli.a libmigrate.a)

ifeq ($(SAN),)

#   static-pie               address randomisation without an interpreter: runs in an image that holds nothing else
#   pack-relative-relocs     340 kB of relocations become 8; glibc 2.36 and later apply them
project_ldflags := -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,pack-relative-relocs \
	-Wl,--gc-sections,--build-id=sha1
project_link := $(GEN)/linked-libraries.o -lpthread -ldl -lm
project_linked := $(GEN)/linked-libraries.o

# Everything but the revisions and libc is joined once, since finding its way through the archives is most of a link.
# These are Debian's own, so that a security update of libpq or OpenSSL comes with apt-get, which makes us join them again
# then: linked-files is the linker's list of what it read, libc included, and linked-state what those files looked like. A
# package brings files that are older than our objects, so make's comparison of times would not notice.
#   libstatic.a, whole       its constructor is named by nobody, and libpq needs its GSSAPI and LDAP stubs
#   libpgcommon_shlib.a      the variant of libpgcommon that libpq.a was compiled against
#   wrap, trace-symbol       libpq's call to stretch a password comes to runtime/static/scram.c. The name is internal to
#                            libpq, so the linker is asked who called: a libpq that does not would build all the same, and
#                            cost every connection ten milliseconds that nobody would miss
project_wrapped := scram_SaltedPassword
$(GEN)/linked-state: FORCE
	@mkdir -p $(GEN)
	@$(linked_state) >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
linked_state = if [[ -e $(GEN)/linked-files ]]; then xargs -d '\n' stat -c '%n %s %Y %i' <$(GEN)/linked-files 2>&1; fi

$(GEN)/linked-libraries.o: $(project_libs) $(MIGRATE_LIB)/libstatic.a $(GEN)/flags $(GEN)/linked-state
	$(Q)$(CC) -r -nostdlib -o $@ -Wl,-u,main,--dependency-file=$@.d \
		-Wl,--wrap=$(project_wrapped),--trace-symbol=__wrap_$(project_wrapped) \
		-Wl,--whole-archive $(MIGRATE_LIB)/libstatic.a -Wl,--no-whole-archive $(project_libs) \
		-lpq $(PGLIB)/libpgcommon_shlib.a $(PGLIB)/libpgport_shlib.a -lssl -lcrypto -lsqlite3 -ljansson \
		2>$(GEN)/joined.log || { cat $(GEN)/joined.log >&2; exit 1; }
	@if grep -Ev '(definition of|reference to) __wrap_' $(GEN)/joined.log >&2; then \
		echo 'the linker said something new (above) while it joined the libraries' >&2; exit 1; fi
	@if ! grep -q 'libpq\.a(.*): reference to __wrap_$(project_wrapped)$$' $(GEN)/joined.log; then \
		echo 'this libpq.a does not call $(project_wrapped)(); runtime/static/scram.c is written for one that does' >&2; exit 1; fi
	@$(CC) $(project_ldflags) -o $(GEN)/linked-trial -Wl,--dependency-file=$(GEN)/linked-trial.d \
		-Wl,--defsym=migrate_catalogue=main,--defsym=migrate_sbom=main \
		$(project_link) 2>$(GEN)/linked-trial.log || { cat $(GEN)/linked-trial.log >&2; exit 1; }
	@sed -n 's/:$$//p' $@.d $(GEN)/linked-trial.d | grep -vxF $(foreach f,$@ $(project_libs) $(MIGRATE_LIB)/libstatic.a,-e '$f') | \
		xargs -d '\n' realpath | sort -u >$(GEN)/linked-files && rm $(GEN)/linked-trial
	@$(linked_state) >$(GEN)/linked-state && touch $@

# glibc warns of every function that may open shared objects at run time. These four are expected: dlopen is reached by
# OpenSSL's loadable engines and SQLite's extensions, which we never ask for; the resolver is held to its built-in
# "files" and "dns" (runtime/static/hygiene.c). Anything else is news, and news from the linker fails the build.
expected_warnings := dlopen|getaddrinfo|gethostbyname|getpwuid_r

else

# A sanitizer's run time is a shared library's work: such a build is for tests, and dynamic.
project_ldflags := -pie -fsanitize=$(SAN) -Wl,--build-id=sha1
project_link := $(project_libs) -lpq -lsqlite3 -lcrypto -ljansson -lpthread
project_linked := $(project_libs)
expected_warnings := none
$(GEN)/linked-files: $(project_libs) $(GEN)/flags
	@for l in pq sqlite3 crypto jansson; do realpath "$$($(CC) -print-file-name=lib$$l.so)"; done | sort >$@

endif

# `version --sbom` prints it. It depends on the libraries alone, so that a changed revision does not wait for it.
$(GEN)/linked-sbom.json: $(project_linked) $(if $(SAN),$(GEN)/linked-files) $(GEN)/built-as $(migrate_scripts)sbom.sh
	$(call say,SBOM)
	$(Q)version=$$('$(MIGRATE_GEN)' version) && $(migrate_scripts)sbom.sh '$(NAME)' "$${version#migrate-gen }" <$(GEN)/linked-files >$@

define sbom_assembly
.section .rodata.migrate_sbom, "a", %progbits
.globl migrate_sbom
.type migrate_sbom, %object
migrate_sbom:
.incbin "linked-sbom.json"
.byte 0
.size migrate_sbom, . - migrate_sbom
.section .note.GNU-stack, "", %progbits
endef
$(GEN)/linked-sbom.o: $(GEN)/linked-sbom.json $(GEN)/flags
	$(file >$(GEN)/linked-sbom.s,$(sbom_assembly))
	$(Q)$(CC) $(PROJECT_CFLAGS) -c -o $@ $(GEN)/linked-sbom.s

$(BUILD)/$(NAME): $(project_objects) $(project_linked) $(GEN)/linked-sbom.o $(GEN)/flags $(GEN)/sources.mk
	$(call say,LINK)
	@printf '%s\n' $(project_objects) >$(GEN)/objects
	$(Q)$(CC) $(project_ldflags) -o $@.unstripped @$(GEN)/objects $(GEN)/linked-sbom.o $(project_link) 2>$(GEN)/link.log || \
		{ cat $(GEN)/link.log >&2; exit 1; }
	@if grep -Ev "in function \`|warning: Using '($(expected_warnings))' in statically linked" $(GEN)/link.log >&2; then \
		echo 'the linker said something new (above): see expected_warnings in $(MIGRATE_RULES)' >&2; exit 1; fi
	@objcopy --only-keep-debug $@.unstripped $(BUILD)/$(NAME).debug
	@objcopy --strip-all --add-gnu-debuglink=$(BUILD)/$(NAME).debug $@.unstripped $@.stripped
	@rm $@.unstripped && mv $@.stripped $@

.PHONY: release
release: $(BUILD)/$(NAME)
	$(if $(SAN),$(error a build with sanitizers is no release))
	$(call say,RELEASE,$(BUILD)/release)
	$(Q)$(migrate_scripts)release.sh $(BUILD)/$(NAME) $(BUILD)/release

endif
