# SPDX-License-Identifier: MIT
sample_checks = \
	%D%/hello.sh \
	%D%/ring.sh \
	%D%/wordcount.sh \
	%D%/supervised.sh
dist_check_SCRIPTS += $(sample_checks)
EXTRA_DIST += %D%/common.sh

# Each sample, small, with its result checked: a part of make check.
.PHONY: samples-check
samples-check:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(sample_checks)'
