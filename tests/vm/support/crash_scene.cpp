// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/support/crash_scene.h"

#include <gtest/gtest.h>

#include "src/dump/dump.h"
#include "tests/support/programs.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string expect_dump(Guest& guest, const std::string& version, int cpus) {
  const std::string release = kernel_release(version);
  const std::string kernel = guest.wait_for_kernel();
  EXPECT_THAT(kernel, StartsWith(release));
  EXPECT_THAT(kernel, HasSubstr("test.capture"));
  const Mark capture = guest.wait_for("capture", std::chrono::seconds(900));
  EXPECT_EQ(capture.text, "0") << capture.output;
  guest.wait_for_end();

  const std::string path = guest.fetch("/dump") / "vmcore";
  const auto verify = run_lifeboat({"verify", path});
  EXPECT_EQ(verify.status, 0) << verify.text;
  const auto dump = must(Dump::open(path));
  EXPECT_EQ(dump->info().cpus, cpus);
  EXPECT_THAT(dump->info().vmcoreinfo, HasSubstr("OSRELEASE=" + release));
  const auto log = run_lifeboat({"inspect", path, "log"});
  EXPECT_EQ(log.status, 0) << log.text;
  EXPECT_THAT(log.text, HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
  return path;
}

void play_crash(CrashScene scene, const std::function<void(const std::string& dump)>& look) {
  GuestFiles files;
  files.add(kernel_path(scene.guest.kernel), "boot/vmlinuz");
  scene.guest.script = fmt::format("{}run load {} {}\ncrash_loaded loaded\n{}\ncrash_now\n", kCaptureFirst,
                                   kLoadCrash, scene.load_options, scene.before_crash);
  Guest guest(scene.guest, files);
  const Mark load = guest.wait_for("load");
  if (load.text != "0") throw std::runtime_error("lifeboat load --crash failed: " + load.output);
  EXPECT_EQ(guest.wait_for("loaded").text, "1");
  const std::string dump = expect_dump(guest, scene.guest.kernel, scene.cpus_in_dump);
  if (look) look(dump);
}

}  // namespace lifeboat::test
