// SPDX-License-Identifier: GPL-2.0-or-later
// Runs in the guest whose memory the benches save, and leaves that memory as one that has been in use:
//
//   fill_memory heap MIB FILE     four processes that stay, together with a heap of MIB; besides, each has
//   read
//                                 FILE into its heap, as the workers of a server read the same data
//   fill_memory slab COUNT DIR    COUNT empty files below DIR, a tmpfs: their inodes and names
//   fill_memory stale MIB         a heap of MIB that is freed again: the kernel does not clear free pages
//
// What heaps hold is made up: objects with pointers, text, numbers, and what was compressed before. It is the
// same each time.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int kWorkers = 4;
constexpr size_t kArena = size_t{64} << 10;
constexpr uint64_t kFilesInFolder = 1000;

// xorshift64*: this runs on an emulated processor, for hundreds of megabytes.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

struct Object {
  Object* next;
  Object* owner;
  uint64_t id;
  uint32_t references;
  uint32_t state;
  char name[32];
};

void fill_objects(std::byte* arena, Random& random) {
  auto* const objects = reinterpret_cast<Object*>(arena);
  constexpr size_t kCount = kArena / sizeof(Object);
  for (size_t index = 0; index < kCount; ++index) {
    Object& object = objects[index];
    object.next = index + 1 < kCount ? &object + 1 : nullptr;
    object.owner = &objects[random.below(kCount)];
    object.id = random.below(1'000'000);
    object.references = static_cast<uint32_t>(random.below(4));
    object.state = static_cast<uint32_t>(random.below(3));
    std::snprintf(object.name, sizeof object.name, "session-%06llu",
                  static_cast<unsigned long long>(object.id));
  }
}

void fill_text(std::byte* arena, Random& random) {
  static constexpr const char* kWords[] = {"request",  "accepted", "from",    "client", "timeout", "after",
                                           "retry",    "user",     "session", "opened", "closed",  "error",
                                           "cache",    "miss",     "GET",     "/index", "200",     "404",
                                           "upstream", "server",   "queue",   "length", "worker",  "started"};
  std::string line;
  for (size_t at = 0; at < kArena; at += line.size()) {
    line = "2026-03-14T0" + std::to_string(random.below(10)) + ":" + std::to_string(10 + random.below(50)) +
           ":" + std::to_string(10 + random.below(50)) + " app[" + std::to_string(random.below(30'000)) +
           "]:";
    for (int word = 0; word < 8; ++word) line += std::string(" ") + kWords[random.below(std::size(kWords))];
    line += '\n';
    if (line.size() > kArena - at) line.resize(kArena - at);
    std::memcpy(arena + at, line.data(), line.size());
  }
}

void fill_numbers(std::byte* arena, Random& random) {
  auto* const numbers = reinterpret_cast<double*>(arena);
  double value = 100;
  for (size_t index = 0; index < kArena / sizeof(double); ++index) {
    value += static_cast<double>(random.below(200)) / 100 - 1;
    numbers[index] = value;
  }
}

void fill_noise(std::byte* arena, Random& random) {
  for (size_t at = 0; at < kArena; at += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(arena + at, &word, sizeof word);
  }
}

// Never freed but by the end of the process.
void fill_heap(size_t bytes, uint64_t seed) {
  Random random(seed);
  for (size_t done = 0; done + kArena <= bytes; done += kArena) {
    auto* const arena = static_cast<std::byte*>(std::malloc(kArena));
    if (arena == nullptr) return;
    const uint64_t kind = random.below(20);
    if (kind < 9) {
      fill_objects(arena, random);
    } else if (kind < 14) {
      fill_text(arena, random);
    } else if (kind < 18) {
      fill_numbers(arena, random);
    } else {
      fill_noise(arena, random);
    }
  }
}

[[noreturn]] void work(size_t bytes, uint64_t seed, const char* path, int ready) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  fill_heap(bytes, seed);
  const char byte = data.empty() ? 'n' : 'y';
  if (::write(ready, &byte, 1) != 1) ::_exit(1);
  ::close(ready);
  for (;;) ::pause();
}

int start_workers(size_t bytes, const char* path) {
  int ready[2];
  if (::pipe(ready) != 0) return 1;
  for (uint64_t worker = 0; worker < kWorkers; ++worker) {
    const pid_t child = ::fork();
    if (child < 0) return 1;
    if (child == 0) {
      ::close(ready[0]);
      work(bytes / kWorkers, worker + 1, path, ready[1]);
    }
  }
  ::close(ready[1]);
  for (int worker = 0; worker < kWorkers; ++worker) {
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1 || byte != 'y') return 1;
  }
  return 0;
}

int make_files(uint64_t count, const std::string& folder) {
  Random random(1);
  std::string below;
  for (uint64_t index = 0; index < count; ++index) {
    if (index % kFilesInFolder == 0) {
      below = folder + "/" + std::to_string(index / kFilesInFolder);
      if (::mkdir(below.c_str(), 0700) != 0) return 1;
    }
    char name[64];
    std::snprintf(name, sizeof name, "/session-%016llx-%llu.lock",
                  static_cast<unsigned long long>(random.next()), static_cast<unsigned long long>(index));
    if (::mknod((below + name).c_str(), S_IFREG | 0600, 0) != 0) return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc >= 3 ? argv[1] : "";
  const uint64_t number = argc >= 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  int status = 2;
  if (what == "heap" && argc == 4) status = start_workers(number << 20, argv[3]);
  if (what == "slab" && argc == 4) status = make_files(number, argv[3]);
  if (what == "stale" && argc == 3) {
    fill_heap(number << 20, 100);
    status = 0;
  }
  if (status != 0) std::perror("fill_memory");
  return status;
}
