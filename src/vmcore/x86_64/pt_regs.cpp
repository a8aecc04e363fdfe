// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/pt_regs.h"

#include <array>

namespace lifeboat::x86_64 {
namespace {

struct Member {
  std::string_view name;
  uint64_t Registers::* place;
};
constexpr std::array<Member, Registers::kAll> kMembers = {{
    {"r15", &Registers::r15},         {"r14", &Registers::r14}, {"r13", &Registers::r13},
    {"r12", &Registers::r12},         {"bp", &Registers::bp},   {"bx", &Registers::bx},
    {"r11", &Registers::r11},         {"r10", &Registers::r10}, {"r9", &Registers::r9},
    {"r8", &Registers::r8},           {"ax", &Registers::ax},   {"cx", &Registers::cx},
    {"dx", &Registers::dx},           {"si", &Registers::si},   {"di", &Registers::di},
    {"orig_ax", &Registers::orig_ax}, {"ip", &Registers::ip},   {"cs", &Registers::cs},
    {"flags", &Registers::flags},     {"sp", &Registers::sp},   {"ss", &Registers::ss},
}};

std::span<const Member> members(bool complete) {
  return std::span(kMembers).last(complete ? Registers::kAll : Registers::kIret);
}

}  // namespace

Registers Registers::from_words(std::span<const uint64_t, kAll> words) {
  Registers registers;
  for (size_t index = 0; index < kAll; ++index) registers.*kMembers[index].place = words[index];
  return registers;
}

Registers Registers::from_iret_words(std::span<const uint64_t, kIret> words) {
  Registers registers;
  registers.complete = false;
  for (size_t index = 0; index < kIret; ++index) registers.*members(false)[index].place = words[index];
  return registers;
}

Registers Registers::from_set(const RegisterSet& set) {
  Registers registers;
  registers.complete = set.complete;
  for (const Member& member : kMembers) registers.*member.place = set.value(member.name).value_or(0);
  return registers;
}

RegisterSet Registers::to_set() const {
  RegisterSet set{.instruction_pointer = ip,
                  .stack_pointer = sp,
                  .user_mode = user_mode(),
                  .interrupts_off = interrupts_off(),
                  .complete = complete,
                  .values = {}};
  for (const Member& member : members(complete)) set.values.push_back({member.name, this->*member.place});
  return set;
}

std::optional<SavedRegisters> parse_prstatus(ByteSpan description) {
  constexpr size_t kPidOffset = 32, kRegistersOffset = 112;
  const auto pid = load<int32_t>(description, kPidOffset, "NT_PRSTATUS");
  const auto words =
      load<std::array<uint64_t, Registers::kAll>>(description, kRegistersOffset, "NT_PRSTATUS");
  if (!pid || !words) return std::nullopt;
  return SavedRegisters{*pid, Registers::from_words(*words).to_set()};
}

}  // namespace lifeboat::x86_64
