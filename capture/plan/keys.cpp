// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/keys.h"

#include <algorithm>

#include "capture/plan/values.h"

namespace lifeboat {
namespace {

using Values = std::vector<std::string>;

template <KeyKind Kind, class Type, auto Field>
Result<> set_field(Settings& settings, std::string_view value) {
  auto& field = Field(settings);
  if constexpr (Kind == KeyKind::list) {
    if (value.empty()) {
      field.clear();
    } else {
      field.push_back(TRY(Type::parse(value)));
    }
  } else if (Kind == KeyKind::optional && value.empty()) {
    field = {};
  } else {
    field = TRY(Type::parse(value));
  }
  return {};
}

template <KeyKind Kind, class Type, auto Field>
Values get_field(const Settings& settings) {
  const auto& field = Field(settings);
  if constexpr (Kind == KeyKind::list) {
    return field;
  } else if constexpr (requires { field.has_value(); }) {
    return {field ? Type::show(*field) : ""};
  } else {
    return {Type::show(field)};
  }
}

constexpr bool kTravels = true, kHostOnly = false;

// The member of Settings has the same name.
#define KEY(section, name, Type, kind, travels, help)                                            \
  Key {                                                                                          \
    #section, #name, values::Type::kName, help, KeyKind::kind, travels,                          \
        set_field<KeyKind::kind, values::Type, [](auto& s) -> auto& { return s.section.name; }>, \
        get_field<KeyKind::kind, values::Type, [](auto& s) -> auto& { return s.section.name; }>  \
  }

// clang-format off
constexpr Key kKeys[] = {
    KEY(dump, level, Levels, one, kTravels,
        "What to leave out, a sum: 1 zero pages, 2 cache, 4 cache with private data, 8 user memory, 16 free memory; "
        "or none: no dump, only log and report"),
    KEY(dump, compression, Compression, one, kTravels,
        "How pages are compressed; auto: by what finishes first, measured before"),
    KEY(capture, kernel, Path, optional, kHostOnly, "The capture kernel; empty: the running kernel's file"),
    KEY(capture, append, Text, one, kHostOnly, "Parameters to add to the capture kernel's command line"),
    KEY(capture, remove, Name, list, kHostOnly, "A parameter of the running kernel to leave out of that command line"),
    KEY(capture, syscall, SystemCall, one, kHostOnly, "The system call that loads the capture kernel"),
    KEY(capture, cpus, Cpus, one, kHostOnly, "How many CPUs the capture kernel may use"),
    KEY(capture, device_deadline, Duration, one, kTravels, "How long a target's device may take to appear"),
    KEY(capture, stall_deadline, Duration, one, kTravels, "How long a step may make no progress before it is stopped"),
    KEY(capture, deadline, Duration, one, kTravels, "How long one target's capture attempt may take"),
    KEY(capture, hook_before, Path, list, kTravels, "A program to run before a target is mounted"),
    KEY(capture, hook_after, Path, list, kTravels, "A program to run after the dump"),
    KEY(capture, hook_deadline, Duration, one, kTravels, "How long one hook may take"),
    KEY(capture, file, Path, list, kHostOnly, "A file to add to the initramfs, with the libraries it needs"),
    KEY(capture, module, Name, list, kHostOnly, "A kernel module to add to the initramfs and to load"),
    KEY(capture, report, YesNo, one, kTravels, "Write the report of the crash before the dump"),
    KEY(capture, watchdog, YesNo, one, kTravels, "Keep a running hardware watchdog fed"),
    KEY(failure, action, Action, one, kTravels, "What to do when no dump could be saved"),
    KEY(final, action, Action, one, kTravels, "What to do when the dump is saved"),
    KEY(retention, keep, Count, optional, kTravels, "How many crashes to keep"),
    KEY(retention, max_size, Size, optional, kTravels, "How much space all crashes together may take"),
    KEY(retention, min_free, FreeSpace, optional, kTravels, "How much of the file system to keep free"),
    KEY(collect, report, YesNo, one, kHostOnly, "Complete a report that the capture kernel did not write"),
    KEY(collect, pstore, YesNo, one, kHostOnly, "Move the records of pstore to the crash"),
    KEY(collect, notice, YesNo, one, kHostOnly, "Show new crashes to users at login"),
    KEY(collect, command, Path, optional, kHostOnly, "A program to run for each new crash, with its folder as argument"),
};
// clang-format on
#undef KEY

}  // namespace

std::string Key::default_value() const {
  const auto values = get(Settings{});
  return values.empty() ? "" : values.front();
}

std::span<const Key> keys() {
  return kKeys;
}

const Key* find_key(std::string_view section, std::string_view name) {
  const auto key =
      std::ranges::find_if(keys(), [&](const Key& k) { return k.section == section && k.name == name; });
  return key == keys().end() ? nullptr : &*key;
}

}  // namespace lifeboat
