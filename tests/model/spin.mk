# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	%D%/spin.sh \
	%D%/order.pml %D%/workers.pml \
	%D%/mailbox.pml \
	%D%/ring.pml \
	%D%/park.pml \
	%D%/depot.pml \
	%D%/timer.pml \
	%D%/quiet.pml \
	%D%/call.pml

# SPIN_MODELS names some of them; what else it takes, spin.sh --help says.
.PHONY: spin
spin:
	@CC='$(CC)' $(SHELL) $(srcdir)/%D%/spin.sh $(SPIN_MODELS)
