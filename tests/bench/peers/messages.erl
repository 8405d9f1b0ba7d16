%% SPDX-License-Identifier: MIT
%%
%% The micro workloads of troupe-bench on Erlang: processes that receive in a
%% loop.  A process there is preempted, so producers send without turns.
%%
%%   erl -noshell +S WORKERS:WORKERS -run messages main WORKLOAD N M
%%   prints: name workers operations seconds Mops/s peak-rss-KiB
-module(messages).
-export([main/1]).

main([Name, NText, MText]) ->
    N = list_to_integer(NText),
    M = list_to_integer(MText),
    Root = self(),
    Began = erlang:monotonic_time(nanosecond),
    spawn(fun() -> Root ! {operations, run(Name, N, M)} end),
    receive
        {operations, Operations} -> ok
    end,
    Seconds = (erlang:monotonic_time(nanosecond) - Began) / 1.0e9,
    io:format("~s ~b ~b ~.4f ~.2f ~b~n",
              [Name, erlang:system_info(schedulers_online), Operations, Seconds,
               Operations / Seconds / 1.0e6, peak_rss()]),
    erlang:halt(0, [{flush, true}]).

%% In KiB, as Linux tells it; 0 elsewhere.
peak_rss() ->
    case file:read_file("/proc/self/status") of
        {ok, Text} ->
            case re:run(Text, "VmHWM:\\s+([0-9]+)", [{capture, all_but_first, list}]) of
                {match, [Digits]} -> list_to_integer(Digits);
                nomatch -> 0
            end;
        _ -> 0
    end.

run("pingpong", N, _) -> pingpong(N);
run("ring", N, M) -> ring(N, M);
run("fanin", N, M) -> fanin(N, M);
run("fanout", N, M) -> fanout(N, M);
run("create", N, _) -> create(N);
run("idle", N, _) -> idle(N);
run("skynet", N, _) -> skynet(N);
run("fib", N, _) -> fib(N);
run("big", N, M) -> big(N, M);
run(Name, _, _) ->
    io:format(standard_error, "messages.erl: unknown workload: ~s~n", [Name]),
    erlang:halt(2).

%% -- pingpong

pingpong(N) ->
    ping(N, spawn(fun pong/0)),
    2 * N.

ping(0, _) -> ok;
ping(N, Other) ->
    Other ! {ping, self()},
    receive
        pong -> ping(N - 1, Other)
    end.

pong() ->
    receive
        {ping, From} ->
            From ! pong,
            pong()
    end.

%% -- ring

ring(N, M) ->
    Root = self(),
    First = spawn(fun() ->
                      receive
                          {next, Next} -> member(Next, Root)
                      end
                  end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> member(Next, Root) end) end,
                       First, lists:seq(2, M)),
    First ! {next, Last},
    First ! {token, N},
    receive
        done -> N
    end.

member(Next, Root) ->
    receive
        {token, 0} ->
            Root ! done;
        {token, Hops} ->
            Next ! {token, Hops - 1},
            member(Next, Root)
    end.

%% -- fanin

fanin(N, M) ->
    Sink = self(),
    [spawn(fun() -> produce(N, Sink) end) || _ <- lists:seq(1, M)],
    count(N * M),
    N * M.

produce(0, _) -> ok;
produce(N, Sink) ->
    Sink ! count,
    produce(N - 1, Sink).

count(0) -> ok;
count(N) ->
    receive
        count -> count(N - 1)
    end.

%% -- fanout

fanout(N, M) ->
    Root = self(),
    Consumers = [spawn(fun() -> count(N), Root ! done end) || _ <- lists:seq(1, M)],
    spread(N, Consumers),
    wait_for(M),
    N * M.

spread(0, _) -> ok;
spread(N, Consumers) ->
    [Consumer ! count || Consumer <- Consumers],
    spread(N - 1, Consumers).

wait_for(0) -> ok;
wait_for(N) ->
    receive
        done -> wait_for(N - 1)
    end.

%% -- create, idle

%% Another process spawns: one that does not receive meanwhile would be slow,
%% as each of its garbage collections looks at all messages that wait for it.
create(N) ->
    Root = self(),
    spawn(fun() -> spawn_many(N, fun mayfly/0, Root) end),
    wait_for(N),
    N.

idle(N) ->
    Root = self(),
    spawn(fun() -> spawn_many(N, fun() -> stayer(0, 0, 0, 0) end, Root) end),
    wait_for(N),
    N.

spawn_many(0, _, _) -> ok;
spawn_many(N, Fun, Root) ->
    spawn(Fun) ! {be, Root},
    spawn_many(N - 1, Fun, Root).

mayfly() ->
    receive
        {be, From} -> From ! done
    end.

%% Four words that are its own.
stayer(Messages, B, C, D) ->
    receive
        {be, From} ->
            From ! done,
            stayer(Messages + 1, B, C, D)
    end.

%% -- skynet, fib

skynet(N) ->
    Root = self(),
    spawn(fun tree/0) ! {skynet, Root, 0, N},
    Sum = N * (N - 1) div 2,
    receive
        {result, Sum} -> N * 10 div 9
    end.

fib(N) ->
    Root = self(),
    spawn(fun tree/0) ! {fib, Root, N},
    receive
        {result, Sum} -> 2 * Sum - 1
    end.

tree() ->
    receive
        {skynet, Parent, First, 1} ->
            Parent ! {result, First};
        {skynet, Parent, First, Leaves} ->
            Part = Leaves div 10,
            [spawn(fun tree/0) ! {skynet, self(), First + I * Part, Part} || I <- lists:seq(0, 9)],
            Parent ! {result, add_results(10, 0)};
        {fib, Parent, N} when N =< 2 ->
            Parent ! {result, 1};
        {fib, Parent, N} ->
            spawn(fun tree/0) ! {fib, self(), N - 1},
            spawn(fun tree/0) ! {fib, self(), N - 2},
            Parent ! {result, add_results(2, 0)}
    end.

add_results(0, Sum) -> Sum;
add_results(Left, Sum) ->
    receive
        {result, Part} -> add_results(Left - 1, Sum + Part)
    end.

%% -- big

big(N, M) ->
    Root = self(),
    Chatters = [spawn(fun() -> chatter_start(I, N, Root) end) || I <- lists:seq(0, M - 1)],
    Crew = list_to_tuple(Chatters),
    [Chatter ! {crew, Crew} || Chatter <- Chatters],
    [Chatter ! answer || Chatter <- Chatters],
    wait_for(M),
    2 * N * M.

chatter_start(I, N, Root) ->
    receive
        {crew, Crew} -> chatter(N, rand:seed_s(exsss, I), Crew, Root)
    end.

chatter(Left, Random, Crew, Root) ->
    receive
        {ask, From} ->
            From ! answer,
            chatter(Left, Random, Crew, Root);
        answer when Left =:= 0 ->
            Root ! done,
            chatter(Left, Random, Crew, Root);
        answer ->
            {Target, Next} = rand:uniform_s(tuple_size(Crew), Random),
            element(Target, Crew) ! {ask, self()},
            chatter(Left - 1, Next, Crew, Root)
    end.
