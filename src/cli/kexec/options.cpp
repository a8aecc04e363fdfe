// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/kexec/options.h"

#include <fmt/core.h>
#include <getopt.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "src/cli/kexec/machine_options.h"

namespace lifeboat::cli::kexec {
namespace {

// Options without a letter. From kFirstOfLoader on they are about loading, and are an error when nothing is
// loaded; those of the architecture say so themselves.
enum LongOption : int {
  kMemoryMin = 256,
  kMemoryMax,
  kReuseInitrd,
  kPreserveContext,
  kJumpBackHelper,
  kEntry,
  kCrashSize,
  kLoadLiveUpdate,
  kExecLiveUpdate,
  kHotplug,
  kNoCma,
  kForceDtb,
  kElf64Headers,
  kNoEfi,
  kFirstOfLoader,
  kAppend = kFirstOfLoader,
  kReuseCommandLine,
  kInitrd,
  kArgsLinux,
  kFirstOfMachine,  // then machine_options(), in their order
};

constexpr char kShortOptions[] = "h?vdfixyluet:pscaS";
constexpr option kLongOptions[] = {
    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'v'},
    {"force", no_argument, nullptr, 'f'},
    {"no-checks", no_argument, nullptr, 'i'},
    {"no-ifdown", no_argument, nullptr, 'x'},
    {"no-sync", no_argument, nullptr, 'y'},
    {"load", no_argument, nullptr, 'l'},
    {"unload", no_argument, nullptr, 'u'},
    {"exec", no_argument, nullptr, 'e'},
    {"exec-live-update", no_argument, nullptr, kExecLiveUpdate},
    {"load-preserve-context", no_argument, nullptr, kPreserveContext},
    {"load-jump-back-helper", no_argument, nullptr, kJumpBackHelper},
    {"load-live-update", no_argument, nullptr, kLoadLiveUpdate},
    {"entry", required_argument, nullptr, kEntry},
    {"type", required_argument, nullptr, 't'},
    {"load-panic", no_argument, nullptr, 'p'},
    {"mem-min", required_argument, nullptr, kMemoryMin},
    {"mem-max", required_argument, nullptr, kMemoryMax},
    {"reuseinitrd", no_argument, nullptr, kReuseInitrd},
    {"kexec-file-syscall", no_argument, nullptr, 's'},
    {"kexec-syscall", no_argument, nullptr, 'c'},
    {"kexec-syscall-auto", no_argument, nullptr, 'a'},
    {"debug", no_argument, nullptr, 'd'},
    {"status", no_argument, nullptr, 'S'},
    {"print-ckr-size", no_argument, nullptr, kCrashSize},
    {"hotplug", no_argument, nullptr, kHotplug},
    {"no-cma", no_argument, nullptr, kNoCma},
    {"force-dtb", no_argument, nullptr, kForceDtb},
    {"elf64-core-headers", no_argument, nullptr, kElf64Headers},
    {"noefi", no_argument, nullptr, kNoEfi},
    {"command-line", required_argument, nullptr, kAppend},
    {"append", required_argument, nullptr, kAppend},
    {"reuse-cmdline", no_argument, nullptr, kReuseCommandLine},
    {"initrd", required_argument, nullptr, kInitrd},
    {"ramdisk", required_argument, nullptr, kInitrd},
    {"args-linux", no_argument, nullptr, kArgsLinux},
};

std::vector<option> long_options() {
  std::vector<option> all(std::begin(kLongOptions), std::end(kLongOptions));
  int value = kFirstOfMachine;
  for (const auto& own : machine_options())
    all.push_back({own.name, own.value.empty() ? no_argument : required_argument, nullptr, value++});
  all.push_back({nullptr, 0, nullptr, 0});
  return all;
}

struct Remark {
  int option;
  std::string_view text;
};

constexpr Remark kWithoutEffect[] = {
    {kNoCma,
     "--no-cma changes nothing: the running kernel chooses where it keeps the segments until the reboot"},
    {kForceDtb, "--force-dtb changes nothing: no device tree is passed on"},
};

// Exit code 1, as of kexec-tools when it cannot do these.
constexpr Remark kNotOffered[] = {
    {kPreserveContext,
     "--load-preserve-context is not supported: there is no way back into the running kernel"},
    {kJumpBackHelper,
     "--load-jump-back-helper is not supported: there is no way back into the running kernel"},
    {kLoadLiveUpdate, "--load-live-update works only under Xen, which is not supported"},
    {kExecLiveUpdate, "--exec-live-update works only under Xen, which is not supported"},
};

template <size_t N>
const Remark* find_remark(const Remark (&remarks)[N], int option) {
  const auto* found = std::ranges::find(remarks, option, &Remark::option);
  return found == std::end(remarks) ? nullptr : found;
}

Refusal bad_value(std::string_view name, std::string_view value) {
  return {.message = fmt::format("--{}={}: not a valid number", name, value), .show_usage = true};
}

// Evaluates the options. Each action sets all the fields that it affects: the last one wins.
class Parser {
 public:
  std::expected<Options, Refusal> run(int argc, char** argv) {
    optind = 0;  // glibc: forget an earlier run
    opterr = 1;
    const std::vector<option> known = long_options();
    for (int found = 0; (found = ::getopt_long(argc, argv, kShortOptions, known.data(), nullptr)) != -1;) {
      if (found == '?') return std::unexpected(Refusal{.show_usage = true});
      if (auto refusal = take(found)) return std::unexpected(*std::move(refusal));
      if (options_.ask != Options::Ask::work) return std::move(options_);
    }
    if (optind < argc) options_.kernel = argv[optind];
    return finish();
  }

 private:
  std::optional<Refusal> take(int found) {
    if (found >= kFirstOfMachine)
      return take_machine(machine_options()[static_cast<size_t>(found - kFirstOfMachine)]);
    if (const Remark* remark = find_remark(kNotOffered, found))
      return Refusal{.exit_code = kUsage, .message = std::string(remark->text), .show_usage = false};
    if (const Remark* remark = find_remark(kWithoutEffect, found)) options_.notes.emplace_back(remark->text);
    if (found >= kFirstOfLoader) has_load_option_ = true;
    if (found < kMemoryMin) return take_letter(found);
    return take_long(found);
  }

  std::optional<Refusal> take_letter(int letter) {
    Options& o = options_;
    switch (letter) {
      case 'h':
        o.ask = Options::Ask::help;
        break;
      case 'v':
        o.ask = Options::Ask::version;
        break;
      case 'd':
        o.debug = true;
        break;
      case 'f':
        o.load = o.exec = o.sync = o.network_down = true;
        o.shutdown = false;
        break;
      case 'l':
        load_given_ = o.load = true;
        o.exec = o.shutdown = false;
        break;
      case 'p':
        o.crash = o.load = true;
        o.exec = o.shutdown = o.sync = false;
        break;
      case 'u':
        o.unload = true;
        o.load = o.shutdown = o.sync = false;
        break;
      case 'e':
        o.exec = o.sync = o.network_down = true;
        o.load = o.shutdown = false;
        break;
      case 'i':
        o.verify = false;
        break;
      case 'x':
        keep_network_ = true;
        break;
      case 'y':
        no_sync_ = true;
        break;
      case 't':
        o.type = optarg;
        break;
      case 's':
        o.call = LoadCall::file;
        break;
      case 'c':
        o.call = LoadCall::segments;
        break;
      case 'a':
        o.call = LoadCall::automatic;
        break;
      case 'S':
        o.status = true;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  std::optional<Refusal> take_long(int found) {
    Options& o = options_;
    switch (found) {
      case kMemoryMin:
        return take_address("mem-min", o.memory_min);
      case kMemoryMax: {
        auto refusal = take_address("mem-max", o.memory_max);
        // In kexec-tools it is the last address that may be used.
        if (!refusal && o.memory_max != UINT64_MAX) ++o.memory_max;
        return refusal;
      }
      case kEntry: {
        uint64_t entry = 0;
        auto refusal = take_address("entry", entry);
        if (entry != 0) cannot_load_ = "--entry is not supported: it belongs to --load-preserve-context";
        return refusal;
      }
      case kReuseInitrd:
        o.reuse_initrd = true;
        break;
      case kCrashSize:
        o.ask = Options::Ask::crash_size;
        break;
      case kHotplug:
        o.hotplug = true;
        break;
      case kNoEfi:
        o.no_efi = true;
        break;
      case kAppend:
        o.append = optarg;
        break;
      case kReuseCommandLine:
        o.reuse_command_line = true;
        break;
      case kInitrd:
        if (o.initrd) {
          o.notes.push_back(fmt::format(
              "--initrd={} is replaced by a later one ('lifeboat load' takes several)", *o.initrd));
        }
        o.initrd = optarg;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  std::optional<Refusal> take_machine(const MachineOption& option) {
    if (option.of_load) has_load_option_ = true;
    if (!option.supported) {
      cannot_load_ = option.remark;
      return std::nullopt;
    }
    options_.notes.emplace_back(option.remark);
    std::string fault = option.check != nullptr ? option.check(optarg) : std::string();
    if (fault.empty()) return std::nullopt;
    return Refusal{.exit_code = kFailed, .message = std::move(fault), .show_usage = true};
  }

  static std::optional<Refusal> take_address(std::string_view name, uint64_t& value) {
    const auto parsed = parse_address(optarg);
    if (!parsed) return bad_value(name, optarg);
    value = *parsed;
    return std::nullopt;
  }

  std::expected<Options, Refusal> finish() {
    Options& o = options_;
    if (keep_network_) o.network_down = false;
    if (no_sync_) o.sync = false;
    // kexec-tools calls kexec_file_load with the unload flag, whatever the other options are: nothing is
    // loaded.
    if (o.unload) o.load = false;
    if (o.status) {
      o.crash = o.crash || !load_given_;
      o.load = o.unload = o.exec = o.shutdown = false;
    }
    if (!o.load && has_load_option_) {
      return std::unexpected(
          Refusal{.message = "options for loading a kernel were given, but no kernel is to be loaded",
                  .show_usage = true});
    }
    // A kernel cannot be loaded this way.
    if (o.load && !cannot_load_.empty())
      return std::unexpected(Refusal{.exit_code = kFailed, .message = std::string(cannot_load_)});
    if (o.load && o.kernel.empty()) {
      return std::unexpected(
          Refusal{.exit_code = kFailed, .message = "No kernel specified", .show_usage = true});
    }
    return std::move(options_);
  }

  Options options_;
  bool load_given_ = false;
  bool keep_network_ = false;
  bool no_sync_ = false;
  bool has_load_option_ = false;
  std::string_view cannot_load_;  // why; empty: it can be
};

}  // namespace

std::optional<uint64_t> parse_address(const char* text) {
  char* end = nullptr;
  errno = 0;
  const auto value = std::strtoull(text, &end, 0);
  if (end == text || *end != '\0' || errno != 0) return std::nullopt;
  return value;
}

std::expected<Options, Refusal> parse_options(int argc, char** argv) {
  return Parser().run(argc, argv);
}

}  // namespace lifeboat::cli::kexec
