// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kcore.h"

#include <elf.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "src/dump/verify.h"

namespace lifeboat {
namespace {

// How long the headers are considered valid.
constexpr std::chrono::milliseconds kHeadersAge(100);
// pread() counts with a signed offset.
constexpr uint64_t kNoEnd = INT64_MAX;

class KcoreSource final : public ByteSource {
 public:
  KcoreSource(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  // stat() gives the size at the time of the last open.
  [[nodiscard]] uint64_t size() const override { return kNoEnd; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    if (offset > kNoEnd || out.size() > kNoEnd - offset)
      return fail(ErrorCode::not_present, "{} has no offset {:#x}", name_, offset);
    auto read = pread_exact(fd_.get(), offset, out, name_);
    if (read) return {};
    Error error = std::move(read).error();
    // EFAULT before 6.x where nothing is mapped; end of file when the segment has been removed meanwhile.
    if (error.code == ErrorCode::truncated || error.sys_errno == EFAULT) error.code = ErrorCode::not_present;
    return std::unexpected(std::move(error));
  }

 private:
  UniqueFd fd_;
  std::string name_;
};

// So that several ElfCores, one after the other, read the same file.
class SharedSource final : public ByteSource {
 public:
  explicit SharedSource(std::shared_ptr<ByteSource> file) : file_(std::move(file)) {}
  [[nodiscard]] uint64_t size() const override { return file_->size(); }
  [[nodiscard]] const std::string& name() const override { return file_->name(); }
  Result<> read(uint64_t offset, MutableByteSpan out) const override { return file_->read(offset, out); }

 private:
  std::shared_ptr<ByteSource> file_;
};

uint64_t nanoseconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// The header and the program headers, which the kernel puts right behind it; a few KiB.
Result<std::vector<std::byte>> read_headers(const ByteSource& file) {
  Elf64_Ehdr header;
  TRY_VOID(file.read(0, std::as_writable_bytes(std::span(&header, 1))));
  std::vector<std::byte> bytes(sizeof header + header.e_phnum * sizeof(Elf64_Phdr));
  TRY_VOID(file.read(0, bytes));
  return bytes;
}

bool names_kcore(std::string_view path) {
  return path == "kcore" || path.ends_with("/kcore");
}

}  // namespace

Result<std::unique_ptr<Kcore>> Kcore::open(std::shared_ptr<ByteSource> file) {
  std::unique_ptr<Kcore> kcore(new Kcore(std::move(file)));
  TRY_VOID(kcore->reopen());
  kcore->info_ = kcore->core_->info();
  kcore->ram_ = kcore->core_->ram();
  DumpInfo& info = kcore->info_;
  info.format = DumpFormat::live;
  // Its only NT_PRSTATUS belongs to no task: all zeros.
  info.cpus = 0;
  info.timestamp = nanoseconds_of(CLOCK_REALTIME) / 1'000'000'000;
  // The clock of the kernel's log, which does not count suspended time.
  info.uptime_nanoseconds = nanoseconds_of(CLOCK_MONOTONIC);
  return kcore;
}

Result<> Kcore::reopen() {
  headers_ = TRY(read_headers(*file_));
  core_ = TRY(ElfCore::open(std::make_unique<SharedSource>(file_)));
  looked_ = std::chrono::steady_clock::now();
  return {};
}

// The offsets of all segments move when the headers grow beyond a page.
Result<> Kcore::follow_changes() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ < kHeadersAge) return {};
  looked_ = now;
  if (TRY(read_headers(*file_)) == headers_) return {};
  return reopen();
}

Result<PageState> Kcore::page_state(uint64_t pfn) const {
  const uint64_t address = info_.page_size.address(pfn);
  if (info_.page_size.frame(address) != pfn) return PageState::absent;
  const auto after = std::ranges::upper_bound(ram_, address, {}, &PhysicalRange::start);
  return after != ram_.begin() && address < std::prev(after)->end ? PageState::stored : PageState::absent;
}

Result<> Kcore::read(uint64_t physical_address, MutableByteSpan out) {
  TRY_VOID(follow_changes());
  return core_->read(physical_address, out);
}

void Kcore::verify(VerifyReport& report, Progress&) {
  report.inconsistent("the memory of a running kernel changes while it is read");
}

bool is_kcore(int fd) {
  struct statfs filesystem{};
  if (::fstatfs(fd, &filesystem) != 0 || filesystem.f_type != PROC_SUPER_MAGIC) return false;
  std::error_code error;
  const auto path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
  return !error && names_kcore(path.string());
}

std::shared_ptr<ByteSource> open_kcore_source(UniqueFd fd, std::string name) {
  return std::make_shared<KcoreSource>(std::move(fd), std::move(name));
}

std::string kcore_permission_hint(const std::optional<std::string>& lockdown) {
  if (lockdown && lockdown->find("[confidentiality]") != std::string::npos) {
    return "boot without lockdown=confidentiality, or read a crash dump: the memory of a kernel that is "
           "locked down cannot be read";
  }
  return "run as root, with the capability CAP_SYS_RAWIO, outside of a container";
}

Error explain_kcore_refusal(Error error, const std::string& path) {
  if (!names_kcore(path)) return error;
  if (error.code == ErrorCode::no_permission)
    return std::move(error).hint(kcore_permission_hint(read_line("/sys/kernel/security/lockdown")));
  if (error.code == ErrorCode::not_found && path == "/proc/kcore") {
    return std::move(error).hint("mount /proc; if it is mounted, boot a kernel with CONFIG_PROC_KCORE");
  }
  if (error.code == ErrorCode::unsupported)
    return std::move(error).hint("read it on the host: containers mask this file");
  return error;
}

}  // namespace lifeboat
