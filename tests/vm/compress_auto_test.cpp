// SPDX-License-Identifier: GPL-2.0-or-later
// Compression `auto` on targets that QEMU slows down: it takes no longer than the best codec, but for 10 %
// and its own measurement.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/rehearse/disk.h"
#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;

// A target is a disk of its own. Each round begins with another codec, so that what changes on this machine
// meanwhile meets all of them.
constexpr const char* kScript = R"sh(
for disk in b c d; do mkdir -p /target/$disk && mount -o noatime /dev/vd$disk /target/$disk; done
lifeboat capture /disk/vmcore /tmp/warm --level 31 --compress none >/dev/null 2>&1
rm -f /tmp/warm
now() { read -r now idle </proc/uptime; echo $now; }
# measure DISK CODEC
measure() {
  begin=$(now)
  lifeboat capture /disk/vmcore /target/$1/dump --level 31 --compress $2 --json >/tmp/json 2>&1
  status=$?
  end=$(now)
  mark result $1 $2 $status $begin $end
  [ $2 = auto ] && mark auto "$(tr -d '\n' </tmp/json)"
  rm -f /target/$1/dump
  sync
}
codecs='auto none lzo snappy zstd:-1 zstd zstd:3 zstd:6 zstd:12'
for round in 1 2 3; do
  for disk in b c d; do
    for codec in $codecs; do measure $disk $codec; done
  done
  for turn in 1 2 3; do codecs="${codecs#* } ${codecs%% *}"; done
done
mark measured
finish
)sh";

struct Target {
  const char* name;
  const char* disk;      // /dev/vdX
  const char* throttle;  // of QEMU's -drive
};
constexpr Target kTargets[] = {{"fast", "b", ""},
                               {"50 MB/s", "c", ",throttling.bps-total=50000000"},
                               {"5 MB/s", "d", ",throttling.bps-total=5000000"}};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

// Some 15 minutes, for --all. The source is a dump without compression, so that to read it takes next to
// nothing.
TEST(LongCompressAuto, finishes_with_the_best_codec_on_each_target) {
  const auto temp = must(TempDir::create("lifeboat-auto"));
  const fs::path core = rehearsals() / "6.12" / "vmcore", source = temp.path() / "vmcore";
  ASSERT_EQ(run_lifeboat({"capture", core, source, "--level", "31", "--compress", "none"}).status, 0);
  GuestFiles files;
  files.add(source, "vmcore");
  GuestOptions options{.name = "compress-auto", .script = kScript, .memory = 1_GiB};
  const fs::path nothing = temp.path() / "empty";
  fs::create_directory(nothing);
  for (const auto& target : kTargets) {
    const std::string image = temp.path() / target.disk;
    must(rehearse::make_disk(image, 512_MiB,
                             fmt::format("6c696665-626f-6174-8000-00000000000{}", target.disk), nothing));
    options.drives.push_back(fmt::format("id={},file={}{}", target.disk, image, target.throttle));
    options.devices.push_back(fmt::format("virtio-blk-pci,drive={}", target.disk));
  }
  Guest guest(options, files);
  std::map<std::string, std::map<std::string, std::vector<double>>> seconds;  // by disk and codec
  std::map<std::string, std::string> reasons;
  constexpr size_t kRounds = 3, kCodecs = 9;
  for (size_t run = 0; run < kRounds * std::size(kTargets) * kCodecs; ++run) {
    std::istringstream result(guest.wait_for("result").text);
    std::string disk, codec;
    int status = -1;
    double begin = 0, end = 0;
    result >> disk >> codec >> status >> begin >> end;
    ASSERT_EQ(status, 0) << disk << " " << codec;
    seconds[disk][codec].push_back(end - begin);
    if (codec != "auto") continue;
    const auto json = nlohmann::json::parse(guest.wait_for("auto").text, nullptr, false);
    ASSERT_FALSE(json.is_discarded());
    reasons[disk] = json.at("compression_reason");
  }
  guest.wait_for("measured");
  for (const auto& target : kTargets) {
    SCOPED_TRACE(target.name);
    auto& runs = seconds[target.disk];
    double best = 0;
    for (const auto& [codec, values] : runs) {
      std::cout << fmt::format("{:8} {:8} {:6.2f} s\n", target.name, codec, median(values));
      if (codec != "auto" && (best == 0 || median(values) < best)) best = median(values);
    }
    std::cout << fmt::format("{:8} auto took {}\n", target.name, reasons[target.disk]);
    EXPECT_LE(median(runs["auto"]), best * 1.1);
  }
}

}  // namespace
}  // namespace lifeboat::test
