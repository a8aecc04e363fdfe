// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/rehearse.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "capture/initramfs/compress.h"
#include "capture/initramfs/initramfs.h"
#include "capture/initramfs/overlay.h"
#include "loader/command_line.h"
#include "src/arming/capture_kernel.h"
#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/sys.h"
#include "src/image/native_kernel.h"
#include "src/rehearse/disk.h"
#include "src/rehearse/guest/guest_plan.h"
#include "src/rehearse/guest_hardware.h"
#include "src/rehearse/record.h"
#include "src/store/crash_list.h"
#include "src/store/crash_record.h"

namespace lifeboat::rehearse {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kMaxBoots = 3;
// From the start of a kernel to its /init, with KVM that was not asked for.
constexpr std::chrono::seconds kKvmBoot{60};
constexpr const char* kKernelOnDisk = "/boot/vmlinuz";
constexpr const char* kInitramfsOnDisk = "/boot/capture.img";
constexpr const char* kStore = "/var/crash/lifeboat";
constexpr const char* kDiskUuid = "6c696665-626f-6174-8000-72656865617e";

Result<> make_out_folder(const std::string& out) {
  std::error_code error;
  if (fs::exists(out, error) && !(fs::is_directory(out, error) && fs::is_empty(out, error))) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("{} exists and is not an empty folder", out))
                               .hint("give a new folder with -o; nothing that exists is overwritten"));
  }
  return make_folders(out);
}

// A kernel, an initramfs, a console's text.
Result<> copy(const std::string& from, const std::string& to) {
  const auto bytes = TRY(read_file(from));
  return write_file_atomically(to, bytes, 0600);
}

Result<> move(const std::string& from, const std::string& to) {
  if (sys::renameat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()) != 0)
    return fail_errno("cannot move {} to {}", from, to);
  return {};
}

Result<> check_room(const std::string& folder, uint64_t needed) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0) return fail_errno("cannot get the free space of {}", folder);
  const uint64_t room = static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  if (room >= needed) return {};
  return std::unexpected(
      Error(ErrorCode::no_space, fmt::format("{} has {} free, a rehearsal may need {}", folder,
                                             format_size(room), format_size(needed)))
          .hint("choose another folder with -o and TMPDIR, or a smaller guest with --memory"));
}

// One rehearsal under way: what it has made so far.
class Stage {
 public:
  Stage(const RehearsalOptions& options, const Narrator& narrate, const std::atomic<bool>& stop,
        TempDir folder)
      : options_(options), narrate_(narrate), stop_(stop), folder_(std::move(folder)) {}

  Result<RehearsalResult> run() {
    const auto begin = Clock::now();
    TRY_VOID(prepare());
    result_.prepare = Clock::now() - begin;
    const GuestRun guest = TRY(boot());
    result_.phases = guest.phases;
    result_.capture = between(phase::kCaptureStart, phase::kCaptureEnd);
    TRY_VOID(keep_consoles());
    if (guest.end != GuestEnd::powered_off) result_.problem = guest.reason;
    // Also after a failure: what the capture kernel could save is there, and is marked incomplete.
    if (result_.phases.size() > 1) TRY_VOID(fetch());
    TRY_VOID(judge());
    TRY_VOID(write_record(options_, result_));
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string in_stage(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  [[nodiscard]] std::string in_out(const std::string& name) const {
    return (fs::path(options_.out) / name).string();
  }

  // 0: one of them was not reached.
  [[nodiscard]] Seconds between(std::string_view from, std::string_view to) const {
    const auto first = std::ranges::find(result_.phases, from, &PhaseTime::name),
               last = std::ranges::find(result_.phases, to, &PhaseTime::name);
    const bool both = first != result_.phases.end() && last != result_.phases.end();
    return both ? last->at - first->at : Seconds{};
  }

  Result<> prepare() {
    qemu_ = TRY(find_qemu());
    TRY_VOID(check_disk_tools());
    auto read = NativeKernel::read(options_.kernel);
    if (!read && options_.machine) read.error().hint(arming::kCaptureKernelFix);
    NativeKernel kernel = TRY(std::move(read));
    if (kernel.no_capture) return std::unexpected(*std::move(kernel.no_capture));
    result_.release = std::move(kernel.release);
    TRY_VOID(choose_accelerator());
    TRY_VOID(build_initramfses());
    return fill_root();
  }

  Result<> choose_accelerator() {
    for (const Accelerator accelerator : {Accelerator::kvm, Accelerator::tcg}) {
      if (options_.accelerator && *options_.accelerator != accelerator) continue;
      const bool there = accelerator == Accelerator::tcg || ::access("/dev/kvm", R_OK | W_OK) == 0;
      if (there && TRY(accelerator_works(qemu_, accelerator, folder_.path().string()))) {
        result_.accelerator = accelerator;
        return {};
      }
      if (options_.accelerator || accelerator == Accelerator::tcg)
        return std::unexpected(
            Error(ErrorCode::unsupported,
                  fmt::format("QEMU cannot run a guest here with {}", accelerator_name(accelerator)))
                .hint(accelerator == Accelerator::kvm ? "use --accel tcg (slow software emulation)"
                                                      : "to see why, run: " + qemu_ + " -accel tcg"));
      if (there) narrate_("/dev/kvm cannot run a guest: using software emulation");
    }
    return {};
  }

  // The drivers of the guest's disk.
  Result<> collect_guest_modules() {
    modules_ = TRY_CONTEXT(collect_modules(options_.module_folder, {"virtio_pci", "virtio_blk", "ext4"}),
                           "the modules of a guest");
    return check_modules_fit(modules_, result_.release);
  }

  // Changes a machine's plan for the guest's disk and this rehearsal.
  void adapt(CapturePlan& plan, const std::string& uuid) const {
    plan.targets = {{.uuid = uuid, .filesystem = "ext4", .path = kStore}};
    plan.final.action = plan.failure.action = FinalAction::poweroff;
    plan.copy_elf = options_.copy_elf;
    if (options_.levels) plan.dump.level = *options_.levels;
    if (options_.compression) plan.dump.compression = *options_.compression;
  }

  // The minimal plan, for either kernel.
  Result<InitramfsContents> plain_contents(const std::string& uuid) const {
    InitramfsContents contents{.init = TRY(read_static_program(kInitProgram, options_.init)),
                               .modules = modules_};
    contents.plan.capture.device_deadline = std::chrono::seconds(30);
    adapt(contents.plan, uuid);
    return contents;
  }

  // The plan of the capture kernel.
  Result<std::vector<std::byte>> capture_initramfs(InitramfsCompression compression) {
    if (!options_.machine) return build_initramfs(TRY(plain_contents(options_.target_uuid)), compression);
    const auto& initramfs = options_.machine->initramfs;
    CapturePlan plan = TRY(initramfs_plan(initramfs));
    adapt(plan, options_.target_uuid);
    wants_report_ = plan.capture.report;
    return with_overlay(initramfs, std::move(plan), modules_);
  }

  [[nodiscard]] unsigned capture_cpus() const { return options_.capture_cpus.value_or(1); }
  [[nodiscard]] bool several_cpus() const { return capture_cpus() > 1 && guest_cpus() > 1; }
  // The boot CPU stays out where another one crashes.
  [[nodiscard]] unsigned guest_cpus() const {
    constexpr unsigned kMax = 255;  // of QEMU's usual machines
    if (options_.cpus > 0) return static_cast<unsigned>(options_.cpus);
    return std::min(kMax, capture_cpus() > 1 ? capture_cpus() + 1 : 2);
  }

  // Of the capture kernel.
  [[nodiscard]] std::string capture_line(const std::string& console) const {
    if (options_.machine) return options_.machine->command_line + " " + console;
    return crash_command_line(
        {.reused = {},
         .append = console,
         .cpus = capture_cpus(),
         .boot_cpu = capture_cpus() > 1 ? guest_hardware().boot_cpu : std::string_view()});
  }

  // Both kernels reach the disk by the same modules.
  Result<> build_initramfses() {
    TRY_VOID(collect_guest_modules());
    const auto config = find_kernel_config(options_.kernel, result_.release, options_.module_folder);
    if (!config) narrate_(config.error().reason() + "; the initramfs is left uncompressed");
    const auto compression = config ? choose_initramfs_compression(*config) : InitramfsCompression::none;
    const auto capture = TRY(capture_initramfs(compression));
    result_.initramfs_bytes = capture.size();
    TRY_VOID(write_file_atomically(in_stage("capture.img"), capture, 0600));

    InitramfsContents contents = TRY(plain_contents(kDiskUuid));
    contents.init = TRY(read_static_program("lifeboat-rehearsal-guest"));
    const std::string console = fmt::format("console={}", guest_hardware().capture_console);
    const std::string guest_plan =
        GuestPlan{
            .kernel = kKernelOnDisk,
            .initramfs = kInitramfsOnDisk,
            .command_line = capture_line(console),
            .syscall = options_.machine ? options_.machine->syscall : LoadCall::automatic,
            .panic_cpu = several_cpus() ? std::optional<unsigned>(guest_cpus() - 1) : std::nullopt,
        }
            .to_text();
    // What does not survive being written (a command line of two lines) is found here, not in the guest.
    TRY_VOID(GuestPlan::parse(guest_plan));
    const auto bytes = as_byte_span(guest_plan);
    contents.files.push_back({.path = kGuestPlanPath, .mode = 0600, .bytes = {bytes.begin(), bytes.end()}});
    const auto guest = TRY(build_initramfs(contents, compression));
    return write_file_atomically(in_stage("guest.img"), guest, 0600);
  }

  // The guest's file system, as a folder.
  Result<> fill_root() {
    const fs::path root = folder_.path() / "root";
    TRY_VOID(make_folders(root / "boot"));
    TRY_VOID(copy(options_.kernel, root.string() + kKernelOnDisk));
    return copy(in_stage("capture.img"), root.string() + kInitramfsOnDisk);
  }

  [[nodiscard]] VirtualMachine machine() const {
    return {
        .kernel = options_.kernel,
        .initramfs = in_stage("guest.img"),
        // panic=: a guest that panics early restarts at once, and -no-reboot makes QEMU end then.
        .command_line = fmt::format("console={} panic=-1 crashkernel={}", guest_hardware().guest_console,
                                    options_.crashkernel),
        .disk = in_stage("disk.img"),
        .guest_console = in_stage("guest.console"),
        .capture_console = in_stage("capture.console"),
        .memory = options_.memory,
        .cpus = static_cast<int>(guest_cpus()),
        .cpu_model = options_.cpu_model,
        .accelerator = result_.accelerator,
        .one_thread = result_.accelerator == Accelerator::tcg,
    };
  }

  // Whether KVM was chosen here, and not by the user.
  [[nodiscard]] bool kvm_was_tried() const {
    return !options_.accelerator && result_.accelerator == Accelerator::kvm;
  }
  // KVM that runs the probe may still not run a kernel, or not the second one of a kexec: nested ones did.
  [[nodiscard]] bool is_doubtful(const GuestRun& guest) const {
    return kvm_was_tried() && guest.end != GuestEnd::powered_off && guest.end != GuestEnd::failed;
  }
  [[nodiscard]] GuestLimits limits() const {
    GuestLimits limits = options_.limits;
    // With KVM a kernel boots in seconds.
    if (kvm_was_tried()) limits.boot = std::min(limits.boot, kKvmBoot);
    return limits;
  }

  // A guest that ends before its /init proves nothing about what is rehearsed: it is started again, with a
  // new disk.
  Result<GuestRun> boot() {
    const PhaseListener listener = [&](const PhaseTime& phase) {
      narrate_(fmt::format("{:6.1f} s  {}", phase.at.count(), phase.name));
    };
    const uint64_t default_size = options_.memory * (options_.copy_elf ? 3 : 2) + 512_MiB;
    for (;;) {
      for (const char* name : {"disk.img", "guest.console", "capture.console"})
        TRY_VOID(remove_file(in_stage(name)));
      TRY_VOID(make_disk(in_stage("disk.img"), options_.disk_size != 0 ? options_.disk_size : default_size,
                         kDiskUuid, in_stage("root")));
      ++result_.boots;
      narrate_(fmt::format("booting {} in QEMU ({}, {} CPUs, {})", result_.release,
                           accelerator_name(result_.accelerator), guest_cpus(),
                           format_size(options_.memory)));
      if (several_cpus())
        narrate_(fmt::format("the capture kernel may use {} CPUs; the crash is on CPU {}{}", capture_cpus(),
                             guest_cpus() - 1,
                             result_.accelerator == Accelerator::tcg
                                 ? " (software emulation runs all in one thread: they save no time here)"
                                 : ""));
      auto guest = TRY(run_guest(qemu_, machine(), limits(), listener, stop_));
      if (is_doubtful(guest)) {
        narrate_(
            fmt::format("{}: it may be KVM (a virtual machine in a virtual machine); starting it again "
                        "with software emulation",
                        guest.reason));
        result_.accelerator = Accelerator::tcg;
        continue;
      }
      if (guest.end != GuestEnd::ended_before_init || result_.boots == kMaxBoots) return guest;
      narrate_(fmt::format("the guest ended before its /init; restarting it ({} of {})", result_.boots + 1,
                           kMaxBoots));
    }
  }

  Result<> keep_consoles() {
    for (const char* name : {"guest.console", "capture.console"}) {
      std::error_code ignored;
      if (fs::exists(in_stage(name), ignored)) TRY_VOID(copy(in_stage(name), in_out(name)));
    }
    return {};
  }

  // Copies the crash's folder and the facts out of the disk image.
  Result<> fetch() {
    narrate_("fetching the dump");
    const auto begin = Clock::now();
    if (const auto clean = check_disk(in_stage("disk.img")); !clean && result_.problem.empty())
      result_.problem = clean.error().to_string();
    const std::string fetched = in_out(".fetched");
    TRY_VOID(make_folders(fetched));
    const auto facts = extract_folder(in_stage("disk.img"), kFactsFolder, fetched);
    const auto store = extract_folder(in_stage("disk.img"), kStore, fetched);
    std::error_code error;
    if (facts) TRY_VOID(move(fetched + kFactsFolder, in_out("facts")));
    if (store) {
      for (const auto& crash :
           fs::directory_iterator(fs::path(fetched) / fs::path(kStore).filename(), error)) {
        for (const auto& file : fs::directory_iterator(crash.path(), error))
          TRY_VOID(move(file.path(), in_out(file.path().filename())));
      }
    }
    if (sys::remove_all(fetched.c_str()) != 0) return fail_errno("cannot remove {}", fetched);
    for (const auto* part : {&facts, &store}) {
      if (!*part && part->error().code == ErrorCode::no_space) return std::unexpected(part->error());
    }
    result_.fetch = Clock::now() - begin;
    return {};
  }

  // The record that the capture kernel wrote beside the dump.
  CrashRecord read_crash_record() {
    const auto text = read_text(in_out(kCrashRecordFile));
    auto record = text ? parse_crash_record(*text) : std::unexpected(text.error());
    if (!record) return {};
    result_.memory_reserved_kib = record->memory_reserved_kib;
    result_.memory_total_kib = record->memory_total_kib;
    result_.memory_lowest_kib = record->memory_lowest_kib;
    result_.capture_cpus = record->cpus;
    result_.dump_time = Seconds(dump_seconds(*record));
    return *std::move(record);
  }

  // There is no dump.
  void judge_log_only(CrashOutcome there, const CrashRecord& record) {
    const auto failed = [this](const std::string& problem) {
      if (result_.problem.empty()) result_.problem = problem;
    };
    if (dump_outcome(there, record) != DumpOutcome::log_only) {
      failed("the capture kernel saved no dump; see capture.console");
      return;
    }
    result_.outcome = DumpOutcome::log_only;
    if (result_.fell_back) failed("the dump: " + describe_dump(there, record));
    if (wants_report_ && !fs::exists(in_out(kReportJsonFile)))
      failed("the log was saved, but no report; see capture.console");
  }

  Result<> judge() {
    const auto begin = Clock::now();
    const CrashRecord record = read_crash_record();
    const UniqueFd out = TRY(open_file(options_.out, O_RDONLY | O_DIRECTORY));
    const CrashOutcome there = outcome_in(out.get());
    for (const char* name : {kDumpFile, kIncompleteDumpFile}) {
      if (result_.dump.empty() && fs::exists(in_out(name))) result_.dump = in_out(name);
    }
    result_.fell_back = record.fell_back;
    if (result_.dump.empty()) {
      judge_log_only(there, record);
      return {};
    }
    narrate_("verifying the dump");
    result_.dump_bytes = fs::file_size(result_.dump);
    auto verdict = verify_dump(result_.dump, no_progress());
    if (verdict) {
      result_.verdict = *std::move(verdict);
      // A dump without its final name is not whole, even if its pages are.
      if (there != CrashOutcome::whole && result_.problem.empty())
        result_.problem = "the dump: " + describe_dump(there, record);
      if (!result_.verdict.whole && result_.problem.empty()) result_.problem = "the dump is not whole";
    } else if (result_.problem.empty()) {
      result_.problem = verdict.error().to_string();
    }
    result_.whole = result_.verdict.whole && result_.problem.empty();
    if (result_.whole) result_.outcome = DumpOutcome::whole;
    if (there == CrashOutcome::incomplete) result_.outcome = dump_outcome(there, record);
    result_.verify = Clock::now() - begin;
    return {};
  }

  const RehearsalOptions& options_;
  const Narrator& narrate_;
  const std::atomic<bool>& stop_;
  TempDir folder_;
  std::string qemu_;
  std::vector<ModuleFile> modules_;
  bool wants_report_ = true;  // by the plan of the capture kernel
  RehearsalResult result_;
};

}  // namespace

Result<RehearsalResult> rehearse(const RehearsalOptions& options, const Narrator& narrate,
                                 const std::atomic<bool>& stop) {
  TRY_VOID(make_out_folder(options.out));
  auto folder = TRY(TempDir::create("lifeboat-rehearsal"));
  // A level-31 dump is a fraction of the memory; kernel and initramfs are there three times.
  const uint64_t needed = 256_MiB + options.memory / 4 + (options.copy_elf ? options.memory : 0);
  TRY_VOID(check_room(folder.path().string(), needed));
  TRY_VOID(check_room(options.out, needed));
  return Stage(options, narrate, stop, std::move(folder)).run();
}

}  // namespace lifeboat::rehearse
