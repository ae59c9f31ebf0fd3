# What CI runs three at a time, once the packages of the services are there; the longest first.

SHELL := bash

.PHONY: all slow on-services real alone

all: slow on-services real alone

slow:
	+time $(MAKE) test-slow

on-services:
	+time SSVIF_REQUIRE_SERVICES=1 $(MAKE) test-services

real: # the pipeline on real pairs, where they are beside the repository
	time .ci/real

alone:
	time .ci/alone
