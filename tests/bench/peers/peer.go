// SPDX-License-Identifier: MIT

// The micro workloads of troupe-bench in Go: goroutines, each with a channel
// for what is sent to it.  Where many messages go one way the channels have
// room for some, as is usual; a question and its answer need none.
//
//	peer WORKLOAD N M WORKERS
//	prints: name workers operations seconds Mops/s peak-rss-KiB
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Messages that a channel of a stream has room for.
const room = 1000

func pingpong(n, _ int) int {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for i := range ping {
			pong <- i
		}
	}()
	for i := 0; i < n; i++ {
		ping <- i
		<-pong
	}
	return 2 * n
}

func ring(n, m int) int {
	done := make(chan int)
	first := make(chan int)
	in := first
	for i := 0; i < m; i++ {
		out := make(chan int)
		if i == m-1 {
			out = first
		}
		go func(in, out chan int) {
			for hops := range in {
				if hops == 0 {
					done <- 0
					return
				}
				out <- hops - 1
			}
		}(in, out)
		in = out
	}
	first <- n
	<-done
	return n
}

func fanin(n, m int) int {
	sink := make(chan int, room)
	for i := 0; i < m; i++ {
		go func() {
			for k := 0; k < n; k++ {
				sink <- k
			}
		}()
	}
	for i := 0; i < n*m; i++ {
		<-sink
	}
	return n * m
}

func fanout(n, m int) int {
	done := make(chan int)
	consumers := make([]chan int, m)
	for i := range consumers {
		consumers[i] = make(chan int, room)
		go func(in chan int) {
			for k := 0; k < n; k++ {
				<-in
			}
			done <- 0
		}(consumers[i])
	}
	for k := 0; k < n; k++ {
		for _, c := range consumers {
			c <- k
		}
	}
	for range consumers {
		<-done
	}
	return n * m
}

type be struct{ done chan int }

func create(n, _ int) int {
	done := make(chan int, room)
	go func() {
		for i := 0; i < n; i++ {
			in := make(chan be, 1)
			go func() {
				message := <-in
				message.done <- 0
			}()
			in <- be{done}
		}
	}()
	for i := 0; i < n; i++ {
		<-done
	}
	return n
}

// Keeps the channels of the idle: the garbage collector frees what nobody can reach.
var idlers []chan be

func idle(n, _ int) int {
	done := make(chan int, room)
	go func() {
		for i := 0; i < n; i++ {
			in := make(chan be, 1)
			idlers = append(idlers, in)
			go func() {
				var state [4]int64
				for message := range in {
					state[0]++
					message.done <- int(state[0])
				}
			}()
			in <- be{done}
		}
	}()
	for i := 0; i < n; i++ {
		<-done
	}
	return n
}

func skynetNode(parent chan int, first, leaves int) {
	if leaves == 1 {
		parent <- first
		return
	}
	in := make(chan int)
	part := leaves / 10
	for i := 0; i < 10; i++ {
		go skynetNode(in, first+i*part, part)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-in
	}
	parent <- sum
}

func skynet(n, _ int) int {
	result := make(chan int)
	go skynetNode(result, 0, n)
	if sum := <-result; sum != n*(n-1)/2 {
		fail("skynet: the sum is wrong")
	}
	return n * 10 / 9
}

func fibNode(parent chan int, n int) {
	if n <= 2 {
		parent <- 1
		return
	}
	in := make(chan int)
	go fibNode(in, n-1)
	go fibNode(in, n-2)
	parent <- <-in + <-in
}

func fib(n, _ int) int {
	result := make(chan int)
	go fibNode(result, n)
	return 2*<-result - 1
}

// A nil from is the answer, anything else the question.
type chat struct{ from chan chat }

func chatter(crew []chan chat, self, left int, done chan int) {
	seed := uint64(self)*2654435761 + 1
	in := crew[self]
	for message := range in {
		if message.from != nil {
			message.from <- chat{}
			continue
		}
		if left == 0 {
			done <- 0
			continue
		}
		left--
		seed = seed*6364136223846793005 + 1442695040888963407
		crew[(seed>>33)%uint64(len(crew))] <- chat{in}
	}
}

func big(n, m int) int {
	done := make(chan int, m)
	crew := make([]chan chat, m)
	for i := range crew {
		// Each has one question under way, so no channel is ever full.
		crew[i] = make(chan chat, m+1)
	}
	for i := range crew {
		go chatter(crew, i, n, done)
	}
	for _, c := range crew {
		c <- chat{}
	}
	for range crew {
		<-done
	}
	return 2 * n * m
}

func fail(what string) {
	fmt.Fprintln(os.Stderr, "peer.go:", what)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		fail("not a number: " + text)
	}
	return value
}

func main() {
	workloads := map[string]func(n, m int) int{
		"pingpong": pingpong, "ring": ring, "fanin": fanin, "fanout": fanout, "create": create,
		"idle": idle, "skynet": skynet, "fib": fib, "big": big,
	}
	if len(os.Args) != 5 || workloads[os.Args[1]] == nil {
		fail("usage: peer WORKLOAD N M WORKERS")
	}
	name, n, m, workers := os.Args[1], number(os.Args[2]), number(os.Args[3]), number(os.Args[4])
	runtime.GOMAXPROCS(workers)
	began := time.Now()
	operations := workloads[name](n, m)
	seconds := time.Since(began).Seconds()
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("%s %d %d %.4f %.2f %d\n", name, workers, operations, seconds,
		float64(operations)/seconds/1e6, usage.Maxrss)
}
