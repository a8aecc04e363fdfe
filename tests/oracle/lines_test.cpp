// SPDX-License-Identifier: GPL-2.0-or-later
// Source lines and inlined functions of real stacks, beside what binutils' addr2line makes of the same debug
// file: two readers of DWARF that share no code.
#include <elf.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "src/debuginfo/debug_file.h"
#include "src/debuginfo/kernel_debug_info.h"
#include "src/inspect/named_stacks.h"
#include "src/vmcore/module_build_id.h"
#include "tests/oracle/oracle.h"

namespace lifeboat::test {
namespace {

using inspect::SourcePlace;
using Places = std::vector<SourcePlace>;

class LinesOracle : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    kernel_ = cache() / "kernels" / GetParam().filename();
    auto session = inspect::Session::open((GetParam() / "vmcore").string());
    ASSERT_TRUE(session) << session.error().to_string();
    session_.emplace(*std::move(session));
    ASSERT_TRUE(session_->tasks()) << session_->tasks().error().to_string();
  }
  [[nodiscard]] std::string vmlinux() const { return (kernel_ / "vmlinux").string(); }
  // ./dev test fetches those of 6.1 and 6.12: there it would be a failure.
  [[nodiscard]] bool may_lack_vmlinux() const {
    return !std::filesystem::exists(vmlinux()) && kernel_.filename() != "6.1" && kernel_.filename() != "6.12";
  }
  void use_vmlinux() { session_->set_debug_info(kernel_debug_info(*session_, {.vmlinux = vmlinux()})); }
  // Of all tasks.
  std::vector<inspect::NamedFrame> all_frames() {
    std::vector<inspect::NamedFrame> frames;
    for (const Task& task : session_->tasks()->tasks) {
      const auto stack = inspect::stack_of_task(*session_, task);
      EXPECT_TRUE(stack) << task.pid;
      if (stack) frames.insert(frames.end(), stack->frames.begin(), stack->frames.end());
    }
    return frames;
  }
  [[nodiscard]] uint64_t offset() const {
    const auto text = session_->kernel()->vmcoreinfo().value("KERNELOFFSET");
    return text ? std::stoull(std::string(*text), nullptr, 16) : 0;
  }

  std::filesystem::path kernel_;
  std::optional<inspect::Session> session_;
};

// "FUNCTION" and "FILE:LINE (discriminator 2)" by turns, innermost first, behind each address.
std::map<uint64_t, Places> addr2line(const std::string& file, const std::set<uint64_t>& addresses) {
  std::vector<std::string> command = {"addr2line", "-a", "-f", "-i", "-e", file};
  for (const uint64_t address : addresses) command.push_back(fmt::format("{:#x}", address));
  const auto output = run(command);
  EXPECT_EQ(output.status, 0) << output.text;
  std::map<uint64_t, Places> answers;
  std::istringstream lines(output.text);
  Places* places = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0x")) {
      places = &answers[std::stoull(line, nullptr, 16)];
      continue;
    }
    std::string place;
    if (places == nullptr || !std::getline(lines, place)) break;
    const size_t colon = place.rfind(':');
    const std::string number = place.substr(colon + 1);
    places->push_back({line, place.substr(0, colon),
                       number.starts_with('?') ? 0 : static_cast<uint32_t>(std::stoul(number))});
  }
  return answers;
}

std::string text(const Places& places) {
  std::string all;
  for (const auto& place : places) all += fmt::format("  {} {}:{}\n", place.function, place.file, place.line);
  return all;
}

// addr2line spells files as the compiler did, we below the root of the sources.
bool same_file(const SourcePlace& ours, const SourcePlace& theirs) {
  const std::string spelled = "/" + std::filesystem::path(theirs.file).lexically_normal().string();
  return !ours.file.empty() && spelled.ends_with("/" + ours.file);
}

struct Comparison {
  size_t inlined = 0;      // functions
  size_t other_files = 0;  // places of which only the file differs
};
// Compares what lifeboat printed for addresses in the file.
Comparison compare(const std::string& file, const std::map<uint64_t, Places>& ours) {
  std::set<uint64_t> addresses;
  for (const auto& [address, places] : ours) addresses.insert(address);
  const auto theirs = addr2line(file, addresses);
  EXPECT_EQ(theirs.size(), addresses.size());
  Comparison result;
  for (const auto& [address, wanted] : theirs) {
    auto found = ours.at(address);
    // The kernel names parts of functions ("__handle_sysrq.cold"), debug information the whole.
    found.back().function = found.back().function.substr(0, found.back().function.find('.'));
    result.inlined += wanted.size() - 1;
    const auto same = [&result](const SourcePlace& mine, const SourcePlace& other) {
      if (!same_file(mine, other)) ++result.other_files;
      return mine.function == other.function && mine.line == other.line;
    };
    EXPECT_TRUE(std::ranges::equal(found, wanted, same))
        << fmt::format("{:#x}\n", address) << text(found) << " addr2line:\n"
        << text(wanted);
  }
  return result;
}

TEST_P(LinesOracle, stacks_are_as_by_addr2line) {
  if (may_lack_vmlinux()) GTEST_SKIP() << "there is no " << vmlinux();
  use_vmlinux();
  std::map<uint64_t, Places> ours;
  for (const auto& frame : all_frames()) {
    if (!frame.module.empty() || !frame.named) continue;
    auto& places = ours[frame.frame.address - (frame.frame.interrupted ? 0 : 1) - offset()];
    places = frame.inlined;
    places.push_back({frame.symbol, frame.file, frame.line});
  }
  EXPECT_THAT(session_->debug_info()->notes(), testing::IsEmpty());
  EXPECT_GT(ours.size(), 30u);
  const Comparison result = compare(vmlinux(), ours);
  EXPECT_EQ(result.other_files, 0u);
  EXPECT_GE(result.inlined, 5u);
}

TEST_P(LinesOracle, functions_all_over_are_as_by_addr2line) {
  if (may_lack_vmlinux()) GTEST_SKIP() << "there is no " << vmlinux();
  use_vmlinux();
  std::vector<std::pair<uint64_t, std::string>> symbols;
  session_->symbols()->visit([&symbols](std::string_view name, uint64_t address, char type) {
    symbols.emplace_back(address, type == 't' || type == 'T' ? name : "");
    return true;
  });
  std::vector<uint64_t> middles;
  for (size_t index = 0; index + 1 < symbols.size(); ++index) {
    const auto& [begin, name] = symbols[index];
    // What begins so was made by macros and by the build; Rust's functions addr2line calls by their symbols.
    if (!name.empty() && !name.starts_with("__") && !name.starts_with("_R"))
      middles.push_back(begin + (symbols[index + 1].first - begin) / 2);
  }
  std::map<uint64_t, Places> ours;
  for (size_t index = 0; index < middles.size(); index += middles.size() / 500) {
    // In assembly, and in the padding between functions, addr2line takes the symbol's name instead.
    const auto& places = session_->debug_info()->at(middles[index]);
    if (places.empty() || places.back().function.empty() || places.back().file.ends_with(".S")) continue;
    ours[middles[index] - offset()] = places;
  }
  EXPECT_GT(ours.size(), 300u);
  const Comparison result = compare(vmlinux(), ours);
  EXPECT_GT(result.inlined, 100u);
  // addr2line takes some inlined functions of headers for ones of the file that includes them.
  EXPECT_LE(result.other_files, ours.size() / 50);
  RecordProperty("compared", std::to_string(ours.size()));
  RecordProperty("other_files", std::to_string(result.other_files));
}

TEST_P(LinesOracle, well_known_frames) {
  if (may_lack_vmlinux()) GTEST_SKIP() << "there is no " << vmlinux();
  const std::string dump = (GetParam() / "vmcore").string();
  const auto output = run_lifeboat({"inspect", dump, "bt", "--vmlinux", vmlinux(), "--json"});
  ASSERT_EQ(output.status, 0) << output.text;
  const auto stacks = nlohmann::json::parse(output.text);
  std::map<std::string, std::string> files;
  std::set<std::string> inlined;
  for (const auto& frame : stacks.at(0).at("frames")) {
    EXPECT_GT(frame.at("line"), 0) << frame;
    files[frame.at("symbol")] = frame.at("file");
    for (const auto& function : frame.value("inlined", nlohmann::json::array()))
      inlined.insert(function.at("function"));
  }
  EXPECT_EQ(files["sysrq_handle_crash"], "drivers/tty/sysrq.c");
  EXPECT_EQ(files["vfs_write"], "fs/read_write.c");
  EXPECT_EQ(files["panic"], "kernel/panic.c");
  EXPECT_EQ(files["entry_SYSCALL_64_after_hwframe"], "arch/x86/entry/entry_64.S");
  EXPECT_THAT(inlined, testing::Contains("pde_write"));

  // The crash is known again with and without.
  std::set<std::string> signatures;
  for (const std::string& file : {vmlinux(), std::string("none")}) {
    const auto report = run_lifeboat({"inspect", dump, "--vmlinux", file, "--json"});
    ASSERT_EQ(report.status, 0) << report.text;
    signatures.insert(nlohmann::json::parse(report.text).at("signature"));
  }
  EXPECT_EQ(signatures.size(), 1u);
}

// BTF does not have the types of these, debug information does.
TEST_P(LinesOracle, variables_have_types) {
  if (may_lack_vmlinux()) GTEST_SKIP() << "there is no " << vmlinux();
  const auto read = [](const std::string& text, const std::string& file) {
    return run_lifeboat({"inspect", (GetParam() / "vmcore").string(), "read", text, "--vmlinux", file});
  };
  const auto unknown = read("chrdevs[1]->name", "none");
  EXPECT_EQ(unknown.status, 2) << unknown.text;
  // The character devices of major number 1 are those of drivers/char/mem.c.
  EXPECT_EQ(read("chrdevs[1]->name", vmlinux()).text, "(char [64])\"mem\"\n");
  EXPECT_THAT(read("mount_hashtable", vmlinux()).text, testing::StartsWith("(struct hlist_head *)0x"));
}

// By which their debug files are found.
TEST_P(LinesOracle, build_ids_of_modules_are_those_of_their_files) {
  ASSERT_TRUE(session_->modules());
  const auto unpacked = TempDir::create("lines-oracle").value();
  size_t compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kernel_ / "modules/")) {
    const std::string file = entry.path().filename().string();
    std::string name = file.substr(0, file.find(".ko"));
    std::ranges::replace(name, '-', '_');
    const Module* module = session_->modules()->find(name);
    if (module == nullptr || file.find(".ko") == std::string::npos) continue;
    std::string path = entry.path().string();
    if (path.ends_with(".xz")) {
      path = (unpacked.path() / "module.ko").string();
      std::filesystem::copy_file(entry.path(), path + ".xz");
      ASSERT_EQ(run({"xz", "-df", path + ".xz"}).status, 0);
    }
    const auto opened = DebugFile::open(path, EM_X86_64);
    ASSERT_TRUE(opened) << opened.error().to_string();
    const auto build_id = read_module_build_id(*session_->kernel(), *session_->types(), *module);
    ASSERT_TRUE(build_id) << build_id.error().to_string();
    EXPECT_EQ(format_build_id(*build_id), format_build_id(opened->build_id())) << name;
    ++compared;
  }
  EXPECT_EQ(compared, session_->modules()->modules.size());
}

INSTANTIATE_TEST_SUITE_P(, LinesOracle, testing::ValuesIn(oracle_folders()), oracle_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LinesOracle);

}  // namespace
}  // namespace lifeboat::test
