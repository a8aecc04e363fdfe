// SPDX-License-Identifier: GPL-2.0-or-later
// Makes system calls fail for as long as the object lives.
#pragma once

#include "src/base/sys.h"

namespace lifeboat::test {

class FaultInjection {
 public:
  enum class Duration {
    once,     // only the N-th call
    for_good  // it and all that follow: a full disk, a broken one
  };
  // The `nth` call (from 0) of the kind fails with `error`.
  FaultInjection(sys::Call kind, int nth, int error, Duration duration = Duration::once) {
    sys::set_fault_hook([this, kind, nth, error, duration](sys::Call call) {
      if (call != kind) return 0;
      const int index = calls_++;
      const bool hit = duration == Duration::once ? index == nth : index >= nth;
      if (hit) fired_ = true;
      return hit ? error : 0;
    });
  }
  ~FaultInjection() { sys::set_fault_hook({}); }
  FaultInjection(const FaultInjection&) = delete;
  FaultInjection& operator=(const FaultInjection&) = delete;

  // False: the work made fewer such calls, so a loop over N has seen them all.
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  int calls_ = 0;
  bool fired_ = false;
};

}  // namespace lifeboat::test
