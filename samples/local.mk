# SPDX-License-Identifier: MIT
noinst_PROGRAMS += %D%/hello %D%/ring %D%/wordcount %D%/supervised

%C%_hello_SOURCES = %D%/hello.c
%C%_hello_LDADD = libtroupe.a

%C%_ring_SOURCES = %D%/ring.c
%C%_ring_LDADD = libtroupe.a

# The actors stand in words/, as the program itself takes the name wordcount.
%C%_wordcount_SOURCES = \
	%D%/words/text.h \
	%D%/words/progress.h %D%/words/progress.c \
	%D%/words/protocol.h %D%/words/protocol.c \
	%D%/words/table.h %D%/words/table.c \
	%D%/words/collector.h %D%/words/collector.c \
	%D%/words/counter.h %D%/words/counter.c \
	%D%/words/splitter.h %D%/words/splitter.c \
	%D%/words/reader.h %D%/words/reader.c \
	%D%/wordcount.c
%C%_wordcount_LDADD = libtroupe.a

%C%_supervised_SOURCES = \
	%D%/shop/options.h %D%/shop/options.c \
	%D%/shop/say.h %D%/shop/say.c \
	%D%/shop/worker.h %D%/shop/worker.c \
	%D%/shop/shop.h %D%/shop/shop.c \
	%D%/supervised.c
%C%_supervised_LDADD = libtroupe.a
