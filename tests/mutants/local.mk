# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	%D%/list.awk \
	%D%/mutants.sh \
	%D%/protocols \
	%D%/killers \
	%D%/survivors

# ARGUMENTS="--help" tells what there is.
.PHONY: mutants
mutants:
	MAKE='$(MAKE)' CC='$(CC)' srcdir='$(abs_srcdir)' $(SHELL) $(srcdir)/%D%/mutants.sh $(ARGUMENTS)
