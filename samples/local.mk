# SPDX-License-Identifier: MIT
noinst_PROGRAMS += %D%/hello %D%/ring %D%/wordcount %D%/supervised

# What the samples share: command lines, runs, plots and pictures.
noinst_LIBRARIES += %D%/libcommon.a
%C%_libcommon_a_SOURCES = \
	%D%/common/options.h %D%/common/options.c \
	%D%/common/progress.h %D%/common/progress.c \
	%D%/common/run.h %D%/common/run.c \
	%D%/common/random.h \
	%D%/common/histogram.h %D%/common/histogram.c \
	%D%/common/axis.h %D%/common/axis.c \
	%D%/common/plot.h %D%/common/plot.c \
	%D%/common/picture.h %D%/common/picture.c
sample_libraries = %D%/libcommon.a libtroupe.a -lm

%C%_hello_SOURCES = %D%/hello.c
%C%_hello_LDADD = libtroupe.a

%C%_ring_SOURCES = %D%/ring.c
%C%_ring_LDADD = $(sample_libraries)

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
