# The parts of CI. Two at a time, for most leave a core idle; what each took is told in the end.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
TIMES := $(shell mktemp)
# The same numbers whatever the machine.
export OMP_NUM_THREADS := 1

# What needs the packages of a user's environment, and no more. The pipeline's parts have a clone of
# their own, so that they may go on while those of the services come.
PLAIN := test check alone
TAKEN = echo "$$SECONDS s  $@" >> $(TIMES)

.PHONY: all $(PLAIN) repro services slow on-services real

# The longest first.
all: test repro check alone slow on-services real
	@sort -rn $(TIMES); rm $(TIMES)

test check:
	+$(MAKE) $@; $(TAKEN)

repro: # the synthetic default, twice
	.ci/repro; $(TAKEN)

alone: # installs for fusing, and for serving, alone
	.ci/alone; $(TAKEN)

services: $(PLAIN)
	+$(MAKE) setup-services; $(TAKEN)

slow: services
	+$(MAKE) test-slow; $(TAKEN)

on-services: services
	+SSVIF_REQUIRE_SERVICES=1 $(MAKE) test-services; $(TAKEN)

real: # the same pipeline on real pairs, where they are beside the repository
	.ci/real; $(TAKEN)
