// SPDX-License-Identifier: MIT

// The micro workloads of troupe-bench on CAF, the C++ Actor Framework 0.17:
// function-based actors with state, as its manual has them.
//
//   caf WORKLOAD N M WORKERS
//   prints: name workers operations seconds Mops/s peak-rss-KiB
#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

using namespace caf;

using start_atom = atom_constant<atom("start")>;
using ping_atom = atom_constant<atom("ping")>;
using pong_atom = atom_constant<atom("pong")>;
using token_atom = atom_constant<atom("token")>;
using join_atom = atom_constant<atom("join")>;
using go_atom = atom_constant<atom("go")>;
using count_atom = atom_constant<atom("count")>;
using done_atom = atom_constant<atom("done")>;
using be_atom = atom_constant<atom("be")>;
using call_atom = atom_constant<atom("call")>;
using result_atom = atom_constant<atom("result")>;
using ask_atom = atom_constant<atom("ask")>;
using answer_atom = atom_constant<atom("answer")>;

namespace {

// CAF runs an actor for as long as it has messages; a producer that sent all
// of them at once would only measure how much memory there is.
constexpr int64_t produce_at_once = 1000;

std::string workload;
int64_t n, m;
size_t workers;
std::chrono::steady_clock::time_point began;
std::vector<actor> crew; // written before anybody reads it

void begin() {
  began = std::chrono::steady_clock::now();
}

// The process ends here: how long it takes to close is not what is measured.
[[noreturn]] void finish(double operations) {
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%s %zu %.0f %.4f %.2f %ld\n", workload.c_str(), workers, operations, seconds.count(),
         operations / seconds.count() / 1e6, usage.ru_maxrss);
  fflush(stdout);
  _exit(0);
}

[[noreturn]] void fail(const char* what) {
  fprintf(stderr, "caf: %s: %s\n", workload.c_str(), what);
  _exit(1);
}

struct counter {
  int64_t left = 0;
  int64_t done = 0;
};

// -- pingpong

behavior ponger(event_based_actor*) {
  return {
    [](ping_atom) { return pong_atom::value; },
  };
}

behavior pinger(stateful_actor<counter>* self, actor other) {
  self->state.left = n;
  return {
    [=](pong_atom) {
      if (self->state.left-- == 0)
        finish(2.0 * static_cast<double>(n));
      self->send(other, ping_atom::value);
    },
  };
}

void pingpong(event_based_actor* self) {
  anon_send(self->spawn(pinger, self->spawn(ponger)), pong_atom::value);
}

// -- ring

struct link {
  actor next;
};

behavior member(stateful_actor<link>* self) {
  return {
    [=](join_atom, const actor& next) { self->state.next = next; },
    [=](token_atom, int64_t hops) {
      if (hops == 0)
        finish(static_cast<double>(n));
      self->send(self->state.next, token_atom::value, hops - 1);
    },
  };
}

void ring(event_based_actor* self) {
  for (int64_t i = 0; i < m; ++i)
    crew.emplace_back(self->spawn(member));
  for (size_t i = 0; i < crew.size(); ++i)
    self->send(crew[i], join_atom::value, crew[(i + 1) % crew.size()]);
  self->send(crew[0], token_atom::value, n);
}

// -- fanin

behavior producer(stateful_actor<counter>* self, actor sink) {
  self->state.left = n;
  return {
    [=](go_atom) {
      auto& left = self->state.left;
      for (int64_t i = 0; i < produce_at_once && left > 0; ++i, --left)
        self->send(sink, count_atom::value);
      if (left > 0)
        self->send(self, go_atom::value);
    },
  };
}

behavior sink(stateful_actor<counter>* self) {
  return {
    [=](count_atom) {
      if (++self->state.done == n * m)
        finish(static_cast<double>(n) * static_cast<double>(m));
    },
  };
}

void fanin(event_based_actor* self) {
  auto to = self->spawn(sink);
  for (int64_t i = 0; i < m; ++i)
    anon_send(self->spawn(producer, to), go_atom::value);
}

// -- fanout

behavior consumer(stateful_actor<counter>* self, actor root) {
  self->state.left = n;
  return {
    [=](count_atom) {
      if (--self->state.left == 0)
        self->send(root, done_atom::value);
    },
  };
}

behavior source(stateful_actor<counter>* self) {
  self->state.left = n;
  for (int64_t i = 0; i < m; ++i)
    crew.emplace_back(self->spawn(consumer, actor_cast<actor>(self)));
  return {
    [=](go_atom) {
      auto& left = self->state.left;
      for (int64_t sent = 0; sent < produce_at_once && left > 0; sent += m, --left)
        for (auto& to : crew)
          self->send(to, count_atom::value);
      if (left > 0)
        self->send(self, go_atom::value);
    },
    [=](done_atom) {
      if (++self->state.done == m)
        finish(static_cast<double>(n) * static_cast<double>(m));
    },
  };
}

void fanout(event_based_actor* self) {
  anon_send(self->spawn(source), go_atom::value);
}

// -- create, idle

behavior mayfly(event_based_actor* self, actor root) {
  return {
    [=](be_atom) {
      self->send(root, done_atom::value);
      self->quit();
    },
  };
}

struct stay_state {
  int64_t messages = 0;
  int64_t spare[3] = {0, 0, 0};
};

behavior stayer(stateful_actor<stay_state>* self, actor root) {
  return {
    [=](be_atom) {
      ++self->state.messages;
      self->send(root, done_atom::value);
    },
  };
}

behavior spawner(stateful_actor<counter>* self, bool stay) {
  self->state.left = n;
  return {
    [=](go_atom) {
      auto& left = self->state.left;
      auto root = actor_cast<actor>(self);
      for (int64_t i = 0; i < produce_at_once && left > 0; ++i, --left) {
        auto child = stay ? self->spawn(stayer, root) : self->spawn(mayfly, root);
        if (stay)
          crew.emplace_back(child); // without a reference to it, an idle actor ends
        self->send(child, be_atom::value);
      }
      if (left > 0)
        self->send(self, go_atom::value);
    },
    [=](done_atom) {
      if (++self->state.done == n)
        finish(static_cast<double>(n));
    },
  };
}

void create(event_based_actor* self) {
  anon_send(self->spawn(spawner, false), go_atom::value);
}

void idle(event_based_actor* self) {
  anon_send(self->spawn(spawner, true), go_atom::value);
}

// -- skynet, fib

struct node {
  actor parent;
  int64_t waits_for = 0;
  int64_t sum = 0;
};

void report(stateful_actor<node>* self, const actor& parent, int64_t sum) {
  self->send(parent, result_atom::value, sum);
  self->quit();
}

void add_result(stateful_actor<node>* self, int64_t part) {
  self->state.sum += part;
  if (--self->state.waits_for == 0)
    report(self, self->state.parent, self->state.sum);
}

behavior skynet_node(stateful_actor<node>* self, actor parent) {
  self->state.parent = std::move(parent);
  return {
    [=](call_atom, int64_t first, int64_t leaves) {
      if (leaves == 1) {
        report(self, self->state.parent, first);
        return;
      }
      self->state.waits_for = 10;
      auto part = leaves / 10;
      for (int64_t i = 0; i < 10; ++i)
        self->send(self->spawn(skynet_node, actor_cast<actor>(self)), call_atom::value, first + i * part, part);
    },
    [=](result_atom, int64_t part) { add_result(self, part); },
  };
}

behavior fib_node(stateful_actor<node>* self, actor parent) {
  self->state.parent = std::move(parent);
  return {
    [=](call_atom, int64_t which) {
      if (which <= 2) {
        report(self, self->state.parent, 1);
        return;
      }
      self->state.waits_for = 2;
      for (int64_t i = 1; i <= 2; ++i)
        self->send(self->spawn(fib_node, actor_cast<actor>(self)), call_atom::value, which - i);
    },
    [=](result_atom, int64_t part) { add_result(self, part); },
  };
}

behavior tree_root(event_based_actor*, bool is_fib) {
  return {
    [=](result_atom, int64_t sum) {
      if (is_fib)
        finish(2.0 * static_cast<double>(sum) - 1);
      if (sum != n * (n - 1) / 2)
        fail("the sum is wrong");
      finish(static_cast<double>(n) * 10 / 9);
    },
  };
}

void skynet(event_based_actor* self) {
  auto root = self->spawn(tree_root, false);
  self->send(self->spawn(skynet_node, root), call_atom::value, int64_t{0}, n);
}

void fib(event_based_actor* self) {
  auto root = self->spawn(tree_root, true);
  self->send(self->spawn(fib_node, root), call_atom::value, n);
}

// -- big

struct chatter_state {
  int64_t left = 0;
  uint64_t seed = 0;
};

behavior chatter(stateful_actor<chatter_state>* self, int64_t number, actor root) {
  self->state.left = n;
  self->state.seed = static_cast<uint64_t>(number) * 2654435761u + 1;
  return {
    [=](ask_atom) { return answer_atom::value; },
    [=](answer_atom) {
      auto& state = self->state;
      if (state.left-- == 0) {
        self->send(root, done_atom::value);
        return;
      }
      state.seed = state.seed * 6364136223846793005u + 1442695040888963407u;
      self->send(crew[(state.seed >> 33) % static_cast<uint64_t>(m)], ask_atom::value);
    },
  };
}

behavior big_root(stateful_actor<counter>* self) {
  for (int64_t i = 0; i < m; ++i)
    crew.emplace_back(self->spawn(chatter, i, actor_cast<actor>(self)));
  return {
    [=](go_atom) {
      for (auto& one : crew)
        anon_send(one, answer_atom::value);
    },
    [=](done_atom) {
      if (++self->state.done == m)
        finish(2.0 * static_cast<double>(n) * static_cast<double>(m));
    },
  };
}

void big(event_based_actor* self) {
  anon_send(self->spawn(big_root), go_atom::value);
}

// -- all of them

const std::map<std::string, std::function<void(event_based_actor*)>> workloads = {
  {"pingpong", pingpong}, {"ring", ring},     {"fanin", fanin},
  {"fanout", fanout},     {"create", create}, {"idle", idle},
  {"skynet", skynet},     {"fib", fib},       {"big", big},
};

behavior starter(event_based_actor* self) {
  return {
    [=](start_atom) {
      begin();
      workloads.at(workload)(self);
    },
  };
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5 || workloads.count(argv[1]) == 0) {
    fprintf(stderr, "usage: caf WORKLOAD N M WORKERS\n");
    return 2;
  }
  workload = argv[1];
  n = atoll(argv[2]);
  m = atoll(argv[3]);
  workers = static_cast<size_t>(atoll(argv[4]));
  actor_system_config config;
  config.set("scheduler.max-threads", workers);
  actor_system system{config};
  auto first = system.spawn(starter);
  anon_send(first, start_atom::value);
  system.await_all_actors_done();
  pause(); // finish() ends the process, from a worker
}
