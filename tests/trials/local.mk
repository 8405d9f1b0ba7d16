# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	%D%/platforms.sh %D%/check_on_musl.c \
	%D%/valgrind.sh %D%/valgrind.supp \
	%D%/coverage.sh %D%/coverage.awk %D%/coverage_flush.c %D%/coverage-exceptions

# ONLY="..." takes some of the platforms or of the test programs.
.PHONY: platforms valgrind coverage list-tests
platforms:
	$(SHELL) $(srcdir)/%D%/platforms.sh $(ONLY)

valgrind: $(check_PROGRAMS)
	ONLY='$(ONLY)' $(SHELL) $(srcdir)/%D%/valgrind.sh $(check_PROGRAMS)

coverage:
	$(SHELL) $(srcdir)/%D%/coverage.sh

list-tests:
	@echo $(TESTS)

# What coverage leaves in the build directory.
clean-local:
	rm -rf coverage
