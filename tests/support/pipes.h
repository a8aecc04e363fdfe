// SPDX-License-Identifier: GPL-2.0-or-later
// A pipe that shows whether any process of a family still runs.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "src/base/file.h"

namespace lifeboat::test {

class FamilyPipe {
 public:
  FamilyPipe() {
    int ends[2] = {-1, -1};
    // Not O_CLOEXEC: programs that the family starts belong to it.
    EXPECT_EQ(::pipe(ends), 0);
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
  }
  // In a process of the family.
  void send() const { EXPECT_EQ(::write(writer_.get(), "x", 1), 1); }
  [[nodiscard]] int writer() const { return writer_.get(); }
  // In the test: from now on only the family has it open.
  void leave_to_family() { writer_.reset(); }
  // False: nothing was written in time.
  [[nodiscard]] bool hears() const { return read_one() == 1; }
  // No process has it open any more.
  [[nodiscard]] bool all_gone() const {
    for (;;) {
      const ssize_t count = read_one();
      if (count <= 0) return count == 0;
    }
  }

 private:
  [[nodiscard]] ssize_t read_one() const {
    constexpr int kMaxWait = 60'000;  // milliseconds
    pollfd wanted{.fd = reader_.get(), .events = POLLIN, .revents = 0};
    char byte = 0;
    return ::poll(&wanted, 1, kMaxWait) == 1 ? ::read(reader_.get(), &byte, 1) : -1;
  }
  UniqueFd reader_, writer_;
};

}  // namespace lifeboat::test
