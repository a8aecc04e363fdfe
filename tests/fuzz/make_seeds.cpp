// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the seeds of all fuzz targets: FOLDER/TARGET/NAME. A new target adds its lines to seeds().
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "capture/initramfs/cpio.h"
#include "src/base/file.h"
#include "src/dump/codec.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/btf_builder.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/compressors.h"
#include "tests/support/elf_builder.h"
#include "tests/support/elf_kernel_builder.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/iomem_samples.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/uki_builder.h"
#include "tests/support/zboot_builder.h"

namespace lifeboat::test {
namespace {

constexpr std::string_view kVmcoreinfo =
    "OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff82611a40\n";

// Of a kernel with larger pages.
const PageSize kLargePages = PageSize::of(16384).value();
constexpr std::string_view kLargeVmcoreinfo = "OSRELEASE=6.1.0-test\nPAGESIZE=16384\n";

std::vector<std::byte> elf_core(bool extended, std::string_view vmcoreinfo = kVmcoreinfo) {
  ElfBuilder builder;
  builder.vmcoreinfo(vmcoreinfo)
      .cpu()
      .load(0x1000, patterned_page(1))
      .load(0x100000, patterned_page(2), 0x4000);
  if (extended) builder.extended_numbering();
  return builder.build();
}

// Small: without noise, which no mutation can improve.
KdumpBuilder kdump(Compression compression) {
  KdumpBuilder builder(256);
  builder.vmcoreinfo(kVmcoreinfo).cpu().ram(16, 32).zero_page(16).lost_page(17);
  for (uint64_t pfn = 20; pfn < 24; ++pfn) builder.page(pfn, patterned_page(pfn), compression);
  return builder;
}

KdumpBuilder large_kdump() {
  KdumpBuilder builder(64, kLargePages);
  builder.vmcoreinfo(kLargeVmcoreinfo).cpu().ram(16, 32).zero_page(16);
  for (uint64_t pfn = 20; pfn < 24; ++pfn)
    builder.page(pfn, patterned_page(pfn, kLargePages), Compression::zstd);
  return builder;
}

// The first byte chooses the codec, as the target reads it.
std::vector<std::byte> codec_input(Compression compression) {
  std::vector<std::byte> bytes{static_cast<std::byte>(compression)};
  const auto compressor = PageCompressor::create(compression).value();
  append(bytes, compressor->compress(patterned_page(1)).value());
  return bytes;
}

std::vector<std::byte> notes() {
  auto bytes = elf_note("VMCOREINFO", 0, as_byte_span(kVmcoreinfo));
  append(bytes, elf_note("CORE", NT_PRSTATUS, std::vector<std::byte>(336)));
  bytes.resize(bytes.size() + 24);
  return bytes;
}

// The first byte is the kind of file.
constexpr std::string_view kKdumpConf =
    "\3ext4 UUID=1234-ABCD\npath /crash # here\ncore_collector \"makedumpfile -lF --message-level 7 -d "
    "31,1\"\n"
    "failure_action dump_to_rootfs\nfinal_action poweroff\nkdump_pre /sbin/x\nextra_modules a b\nssh "
    "root@host\n";
constexpr std::string_view kSysconfig =
    "\1KDUMP_SAVEDIR=\"file:///var/crash\"\nKDUMP_KEEP_OLD_DUMPS=3\nKDUMP_COMMANDLINE_REMOVE='quiet mine'\n"
    "KDUMP_COMMANDLINE_APPEND=\"irqpoll a=\\\"b c\\\"\"\nKDUMP_DUMPFORMAT=lzo; KEXEC_ARGS=-s\nif x; then "
    "A=$B; fi\n";
constexpr std::string_view kKdumpTools =
    "\2USE_KDUMP=1\nKDUMP_COREDIR=\"/var/crash\"\nKDUMP_FAIL_CMD=\"echo x; /bin/bash; reboot -f\"\n"
    "MAKEDUMP_ARGS=\"-c -d 31\"\nexport KDUMP_NUM_DUMPS=3 # keep\nNFS=`hostname`:/x\nSSH='u@h' \\\n";

constexpr std::string_view kConfig =
    "[target]\npath = /var/crash\n[target]\ndevice = UUID=1234-ABCD\nfilesystem = vfat\npath = /c\n"
    "[dump]\nlevel = 31,1\ncompression = zstd:3\n[capture]\nappend = a=b\nremove = c\nmodule = d\ndeadline = "
    "1h\n"
    "[failure]\naction = shell\n[retention]\nkeep = 3\nmax_size = 40G\nmin_free = 10%\n[collect]\nnotice = "
    "no\n";
constexpr std::string_view kCrashRecord =
    R"({"format": 1, "crash_time": 5, "boot_id": "a", "outcome": "whole", "level": 31, "seconds": {"dump": 1.5},)"
    R"( "problems": ["p"], "kind": "bug", "signature": "s", "crash": {"panic": "P", "cause": "C"}, "collected": 7})";

constexpr std::string_view kPlan =
    "target = 0b6c1b3a-1f6e-4b07-9f0a-3d9d3a6ce001 ext4 /var/crash/lifeboat\n"
    "hook.after = /lifeboat/hooks/00-notify\ndeadline.total = 30min\n"
    "dump.level = 31,1\ndump.compression = zstd:3\nfinal.action = poweroff\n"
    "deadline.device = 30\nmodule = ext4.ko\n";

// A kernel in every wrapper.
std::vector<Seed> unwrap_seeds() {
  const auto kernel = build_bzimage({.code_bytes = 256});
  auto sections = usual_uki_sections();
  sections.push_back(uki_section(".ucode", "070701"));
  sections.push_back(uki_section(".profile", "ID=main"));
  sections.push_back(uki_section(".cmdline", "quiet"));
  std::vector<Seed> all = {
      {"unwrap", "uki", build_uki({.sections = sections})},
      {"unwrap", "linked",
       build_uki({.sections = linked_uki_sections("\\\\k.efi", kernel, "/i.efi", kernel)})},
      {"unwrap", "addon",
       build_uki({.sections = {uki_section(".cmdline", "a=1"), uki_section(".initrd", "070701"),
                               uki_section(".uname", "6.12")},
                  .certificate_bytes = 8})},
      {"unwrap", "zboot", build_zboot({.payload = compressed(ImageKind::gzip, build_arm64_image())})},
      {"unwrap", "elf", compressed(ImageKind::gzip, build_elf_kernel())},
  };
  for (const auto kind : {ImageKind::gzip, ImageKind::bzip2, ImageKind::xz, ImageKind::lzma, ImageKind::zstd,
                          ImageKind::lz4, ImageKind::lz4_frame}) {
    all.push_back({"unwrap", fmt::format("packed-{}", static_cast<int>(kind)), compressed(kind, kernel)});
  }
  return all;
}

std::vector<Seed> initramfs_seeds() {
  CpioWriter cpio;
  const auto device = cpio.character_device("dev/console", 5, 1);
  const auto plan = cpio.file("lifeboat/plan", 0600, as_byte_span(kPlan));
  if (!device || !plan) std::abort();
  const auto archive = cpio.finish();
  return {{"initramfs", "plain", archive}, {"initramfs", "zstd", compressed(ImageKind::zstd, archive)}};
}

std::vector<Seed> seeds() {
  using Order = FlattenedBuilder::Order;
  std::vector<Seed> all = {
      {"elf_core", "small", elf_core(false)},
      {"elf_core", "extended", elf_core(true)},
      {"elf_core", "large-pages", elf_core(false, kLargeVmcoreinfo)},
      {"kdump", "large-pages", large_kdump().build()},
      {"kdump", "flattened", FlattenedBuilder().file(kdump(Compression::zlib).build(), 4096).build()},
      {"flattened", "forward", FlattenedBuilder().file(patterned_page(1), 1000).build()},
      {"flattened", "backward", FlattenedBuilder().file(patterned_page(1), 300, Order::backward).build()},
      {"flattened", "elf", FlattenedBuilder().file(elf_core(false), 2000).build()},
      {"notes", "two", notes()},
      {"capture_plan", "full", to_bytes(kPlan)},
      {"config", "some", to_bytes(kConfig)},
      {"kdump_settings", "kdump-conf", to_bytes(kKdumpConf)},
      {"kdump_settings", "sysconfig", to_bytes(kSysconfig)},
      {"kdump_settings", "kdump-tools", to_bytes(kKdumpTools)},
      {"crash_record", "some", to_bytes(kCrashRecord)},
      {"crashkernel", "some",
       to_bytes("crashkernel=2G-64G:256M,64G-:1G@16M crashkernel=1G,high crashkernel=72M,low")},
      {"elf_kernel", "small", build_elf_kernel()},
      {"btf", "small", small_kernel_btf().build()},
      {"expression", "members", to_bytes("init_task.tasks.next->prev")},
      {"expression", "casts", to_bytes("*(&((struct task_struct *)0xffff888001000000)->ports[2] + 1)")},
      {"expression", "list", to_bytes("container_of(init_task.tasks.next, struct task_struct, tasks)->comm")},
      {"expression", "cpus", to_bytes("per_cpu(runqueues, 1).nr_running - sizeof(pid_t)")},
  };
  for (auto& seed : unwrap_seeds()) all.push_back(std::move(seed));
  for (auto& seed : initramfs_seeds()) all.push_back(std::move(seed));
  for (auto& seed : inspect_seeds()) all.push_back(std::move(seed));
  for (const auto compression :
       {Compression::none, Compression::zlib, Compression::lzo, Compression::snappy, Compression::zstd}) {
    const std::string name(compression_name(compression));
    all.push_back({"kdump", name, kdump(compression).build()});
    all.push_back({"codec", name, codec_input(compression)});
  }
  // One of each layout, undamaged.
  for (int layout = 0; layout < 64; ++layout)
    all.push_back({"kallsyms", fmt::format("layout{}", layout), {static_cast<std::byte>(layout)}});
  for (const auto& sample : iomem_samples()) {
    const ByteSpan text = as_byte_span(sample.text);
    all.push_back({"iomem", sample.name, {text.begin(), text.end()}});
  }
  return all;
}

Result<> write_seeds(const std::filesystem::path& folder) {
  for (const auto& seed : seeds()) {
    std::error_code error;
    std::filesystem::create_directories(folder / seed.target, error);
    if (error) return std::unexpected(errno_error(error.value(), "cannot make " + folder.string()));
    TRY_VOID(write_file_atomically(folder / seed.target / seed.name, seed.bytes, 0644));
  }
  return {};
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_seeds FOLDER\n");
    return 2;
  }
  const auto written = lifeboat::test::write_seeds(argv[1]);
  if (!written) std::fprintf(stderr, "make_seeds: %s\n", written.error().to_string().c_str());
  return written ? 0 : 1;
}
