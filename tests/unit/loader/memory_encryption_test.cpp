// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_encryption.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/kcore_vmcoreinfo.h"
#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Encryption : public testing::Test {
 protected:
  Encryption() {
    flags("fpu sse2");
    put("proc/cmdline", "root=/dev/sda1 ro\n");
  }
  void put(const std::string& name, std::string_view text) const {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  void flags(const std::string& list) const {
    put("proc/cpuinfo",
        "processor\t: 0\nflags\t\t: " + list + "\nbugs\t\t:\n\nprocessor\t: 1\nflags\t\t: tdx_guest\n");
  }
  // /proc/kcore with this VMCOREINFO, behind another note.
  void kcore(std::string_view info, std::string_view name = "VMCOREINFO") const {
    std::string notes;
    const auto add = [&](std::string_view note_name, std::string_view text) {
      const Elf64_Nhdr header{static_cast<Elf64_Word>(note_name.size() + 1),
                              static_cast<Elf64_Word>(text.size()), 0};
      notes += as_text(object_bytes(header));
      for (std::string part : {std::string(note_name) + '\0', std::string(text)}) {
        part.resize((part.size() + 3) / 4 * 4);
        notes += part;
      }
    };
    add("CORE", "12345");
    add(name, info);
    Elf64_Ehdr header{};
    header.e_phoff = sizeof(header);
    header.e_phnum = 2;
    Elf64_Phdr memory{}, note{};
    memory.p_type = PT_LOAD;
    note.p_type = PT_NOTE;
    note.p_offset = sizeof(header) + 2 * sizeof(note);
    note.p_filesz = notes.size();
    std::string file(as_text(object_bytes(header)));
    file += as_text(object_bytes(memory));
    file += as_text(object_bytes(note));
    put("proc/kcore", file + notes);
  }
  [[nodiscard]] MemoryEncryptionState find(std::string_view log = {}) const {
    return find_memory_encryption(
        {.sys = folder_.path() / "sys", .proc = folder_.path() / "proc", .iomem = {}, .run = {}}, log);
  }
  TempDir folder_ = TempDir::create("encryption-test").value();
};

TEST_F(Encryption, NothingShowsIt) {
  EXPECT_EQ(find().kind, MemoryEncryption::none);
  EXPECT_EQ(find("kernel: nothing here\n").kind, MemoryEncryption::none);
  for (const char* file : {"proc/cpuinfo", "proc/cmdline"}) fs::remove(folder_.path() / file);
  EXPECT_EQ(find().kind, MemoryEncryption::none);
}

// The flags of the processor only say that it could.
TEST_F(Encryption, ACapableProcessorIsNotEnough) {
  flags("sme sev sev_es sev_snp");
  EXPECT_EQ(find().kind, MemoryEncryption::none);
  put("proc/cmdline", "ro mem_encrypt=on mem_encrypt=off\n");
  EXPECT_EQ(find().kind, MemoryEncryption::none);
  // And without one the parameter does nothing.
  flags("fpu");
  put("proc/cmdline", "ro mem_encrypt=on\n");
  EXPECT_EQ(find().kind, MemoryEncryption::none);
}

TEST_F(Encryption, TheMessageOfTheBoot) {
  for (const auto& [line, kind] :
       {std::pair("Memory Encryption Features active: AMD SME", MemoryEncryption::host),
        std::pair("Memory Encryption Features active: AMD SEV", MemoryEncryption::guest),
        std::pair("Memory Encryption Features active: AMD SEV SEV-ES SEV-SNP", MemoryEncryption::guest),
        std::pair("Memory Encryption Features active: Intel TDX", MemoryEncryption::guest),
        std::pair("AMD Memory Encryption Features active: SEV SEV-ES", MemoryEncryption::guest),
        std::pair("AMD Memory Encryption Features active: SME", MemoryEncryption::host),
        std::pair("AMD Secure Encrypted Virtualization (SEV) active", MemoryEncryption::guest),
        std::pair("AMD Secure Memory Encryption (SME) active", MemoryEncryption::host),
        std::pair("RME: Using RSI version 1.0", MemoryEncryption::guest)}) {
    const auto state = find(std::string("[    0.1] x\n[    0.2] ") + line + "\n[    0.3] y\n");
    EXPECT_EQ(state.kind, kind) << line;
    EXPECT_FALSE(state.name.empty()) << line;
    EXPECT_THAT(state.source, HasSubstr("log"));
  }
}

TEST_F(Encryption, WhatOnlyAGuestHas) {
  for (const char* path : {"sys/devices/system/cpu/sev/vmpl", "sys/class/misc/tdx_guest",
                           "sys/class/misc/sev-guest", "sys/devices/platform/arm-cca-dev"}) {
    put(path, "0\n");
    EXPECT_EQ(find().kind, MemoryEncryption::guest) << path;
    fs::remove(folder_.path() / path);
  }
  flags("hypervisor tdx_guest");
  EXPECT_EQ(find().kind, MemoryEncryption::guest);
}

TEST_F(Encryption, TheMaskInVmcoreinfo) {
  kcore("OSRELEASE=6.1\nNUMBER(sme_mask)=140737488355328\nSYMBOL(x)=1\n");
  EXPECT_EQ(find().kind, MemoryEncryption::host);
  flags("hypervisor");
  EXPECT_EQ(find().kind, MemoryEncryption::guest);
  // A mask of 0 outweighs the flags of the processor.
  flags("hypervisor sev");
  kcore("NUMBER(sme_mask)=0\n");
  EXPECT_EQ(find().kind, MemoryEncryption::none);
}

TEST_F(Encryption, WhereVmcoreinfoCannotBeRead) {
  flags("hypervisor sev");
  EXPECT_EQ(find().kind, MemoryEncryption::guest);
  flags("sme sev");
  put("proc/cmdline", "ro mem_encrypt=on\n");
  EXPECT_EQ(find().kind, MemoryEncryption::host);
  EXPECT_EQ(find().source, "mem_encrypt=on");
}

TEST_F(Encryption, ADamagedKcoreHasNoVmcoreinfo) {
  const auto read = [this] { return read_kcore_vmcoreinfo(folder_.path() / "proc"); };
  EXPECT_EQ(read(), "");
  kcore("A=1\n");
  EXPECT_EQ(read(), "A=1\n");
  kcore("A=1\n", "OTHER");
  EXPECT_EQ(read(), "");
  const std::string whole = [&] {
    kcore("A=1\n");
    return read_text(folder_.path() / "proc/kcore").value();
  }();
  for (size_t length = 0; length < whole.size(); ++length) {
    put("proc/kcore", std::string_view(whole).substr(0, length));
    EXPECT_LE(read().size(), 4U);
  }
  // Each field of the headers, as large as it can be.
  for (size_t at = 0; at + 8 <= whole.size(); at += 4) {
    std::string damaged = whole;
    for (size_t index = 0; index < 8; ++index) damaged[at + index] = '\xff';
    put("proc/kcore", damaged);
    EXPECT_LE(read().size(), 16U);
  }
}

}  // namespace
}  // namespace lifeboat
