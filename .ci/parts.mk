# The parts of CI. Two at a time, for most leave a core idle; what each took is told in the end.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
TIMES := $(shell mktemp)
# The same numbers whatever the machine.
export OMP_NUM_THREADS := 1

# With the packages of a user's environment; those of the services come after.
PLAIN := test repro check real alone
TAKEN = echo "$$SECONDS s  $@" >> $(TIMES)

.PHONY: all services slow on-services $(PLAIN)

all: $(PLAIN) slow on-services
	@sort -rn $(TIMES); rm $(TIMES)

test check:
	+$(MAKE) $@; $(TAKEN)

repro: # the synthetic default, twice
	+.ci/repro; $(TAKEN)

real: # the same pipeline on real pairs, where they are beside the repository
	.ci/real; $(TAKEN)

alone: # installs for fusing, and for serving, alone
	.ci/alone; $(TAKEN)

services: $(PLAIN)
	+$(MAKE) setup-services; $(TAKEN)

slow: services
	+$(MAKE) test-slow; $(TAKEN)

on-services: services
	+SSVIF_REQUIRE_SERVICES=1 $(MAKE) test-services; $(TAKEN)
