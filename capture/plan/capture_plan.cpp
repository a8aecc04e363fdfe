// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/capture_plan.h"

#include <algorithm>
#include <set>

#include "capture/plan/keys.h"
#include "src/base/key_value.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

// A module's name becomes part of a path in the initramfs: one plain file name.
Result<std::string> parse_module(std::string_view value) {
  if (value.empty() || value == "." || value == ".." || value.find('/') != std::string_view::npos)
    return fail(ErrorCode::usage, "'{}' is not a module's file name", value);
  return std::string(value);
}

// Letters, digits and the characters of `also`, at least one: it goes to mount(2) or is compared.
Result<std::string> parse_word(std::string_view value, std::string_view also) {
  const auto allowed = [also](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           also.find(c) != std::string_view::npos;
  };
  if (value.empty() || !std::ranges::all_of(value, allowed))
    return fail(ErrorCode::usage, "'{}' is not a name", value);
  return std::string(value);
}

// "UUID FILESYSTEM PATH"; a path may hold blanks.
Result<Target> parse_target(std::string_view value) {
  const auto next_word = [&value] {
    const std::string_view word = value.substr(0, value.find(' '));
    value = trim(value.substr(word.size()));
    return word;
  };
  Target target;
  target.uuid = TRY(parse_word(next_word(), "-"));
  target.filesystem = TRY(parse_word(next_word(), "_"));
  target.path = TRY(parse_absolute_path(value));
  return target;
}

// What the plan contains besides settings. `repeats`: may occur more than once.
struct Item {
  std::string_view key;
  bool repeats;
  Result<> (*set)(CapturePlan& plan, std::string_view value);
};
constexpr Item kItems[] = {
    {"target", true,
     [](CapturePlan& plan, std::string_view value) -> Result<> {
       plan.targets.push_back(TRY(parse_target(value)));
       return {};
     }},
    {"module", true,
     [](CapturePlan& plan, std::string_view value) -> Result<> {
       plan.modules.push_back(TRY(parse_module(value)));
       return {};
     }},
    {"watchdog.running", true,
     [](CapturePlan& plan, std::string_view value) -> Result<> {
       if (value.empty()) return fail(ErrorCode::usage, "the watchdog has no name");
       plan.watchdogs.emplace_back(value);
       return {};
     }},
    {"shell", false,
     [](CapturePlan& plan, std::string_view value) -> Result<> {
       plan.shell = TRY(parse_absolute_path(value));
       return {};
     }},
    {"dump.copy_elf", false,
     [](CapturePlan& plan, std::string_view value) -> Result<> {
       plan.copy_elf = TRY(parse_bool(value));
       return {};
     }},
};

// The keys of version 1.
struct OldName {
  std::string_view then, now;
};
constexpr OldName kOldNames[] = {
    {"deadline.device", "capture.device_deadline"},
    {"deadline.stall", "capture.stall_deadline"},
    {"deadline.total", "capture.deadline"},
    {"deadline.hook", "capture.hook_deadline"},
    {"report", "capture.report"},
    {"watchdog", "capture.watchdog"},
    {"hook.before", "capture.hook_before"},
    {"hook.after", "capture.hook_after"},
};

const Key* find_traveling(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const Key* const key = find_key(name.substr(0, dot), name.substr(dot + 1));
  return key != nullptr && key->travels ? key : nullptr;
}

// The lines of a plan, one by one.
class Reader {
 public:
  Reader(CapturePlan& plan, std::vector<std::string>* unknown) : plan_(plan), unknown_(unknown) {}

  Result<> read(const KeyValue& line) {
    if (line.key == "version") return set_version(line.value);
    const std::string_view name = version_ == 1 ? now_called(line.key) : line.key;
    const auto item = std::ranges::find(kItems, name, &Item::key);
    const Key* const key = item == std::end(kItems) ? find_traveling(name) : nullptr;
    if (item == std::end(kItems) && key == nullptr) return take_unknown(line.key);
    const bool repeats = key == nullptr ? item->repeats : key->kind == KeyKind::list;
    if (!repeats && !seen_.emplace(name).second) return fail(ErrorCode::usage, "'{}' is set twice", line.key);
    return key == nullptr ? item->set(plan_, line.value) : key->set(plan_, line.value);
  }

 private:
  // What a key of version 1 is called now.
  static std::string_view now_called(std::string_view name) {
    const auto old = std::ranges::find(kOldNames, name, &OldName::then);
    return old == std::end(kOldNames) ? name : old->now;
  }

  Result<> set_version(std::string_view value) {
    const auto number = parse_number(value);
    if (!number || *number < 2 || *number > UINT32_MAX || version_ != 1 || !seen_.empty())
      return fail(ErrorCode::usage, "'{}' is not a version, or it does not come first", value);
    version_ = static_cast<unsigned>(*number);
    return {};
  }

  Result<> take_unknown(std::string_view key) {
    if (version_ <= kPlanVersion || unknown_ == nullptr)
      return fail(ErrorCode::usage, "unknown key '{}'", key);
    unknown_->emplace_back(key);
    return {};
  }

  CapturePlan& plan_;
  std::vector<std::string>* unknown_;
  unsigned version_ = 1;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

Result<FinalAction> parse_final_action(std::string_view value) {
  if (value == "reboot") return FinalAction::reboot;
  if (value == "poweroff") return FinalAction::poweroff;
  if (value == "halt") return FinalAction::halt;
  if (value == "shell") return FinalAction::shell;
  return fail(ErrorCode::usage, "'{}' is none of reboot, poweroff, halt, shell", value);
}

std::string_view final_action_name(FinalAction action) {
  switch (action) {
    case FinalAction::reboot:
      return "reboot";
    case FinalAction::poweroff:
      return "poweroff";
    case FinalAction::halt:
      return "halt";
    case FinalAction::shell:
      return "shell";
  }
  return "reboot";
}

CapturePlan::CapturePlan() {
  // What can be unset, and is not in the plan, is unset: no crash is removed by a default that nobody chose.
  for (const auto& key : keys()) {
    if (key.kind == KeyKind::optional) ignore_result(key.set(*this, ""));  // which cannot fail
  }
}

Result<CapturePlan> CapturePlan::parse(std::string_view text, std::vector<std::string>* unknown) {
  CapturePlan plan;
  Reader reader(plan, unknown);
  for (const auto& line : TRY_CONTEXT(parse_key_values(text), "plan")) {
    if (auto read = reader.read(line); !read)
      return std::unexpected(std::move(read).error().context(fmt::format("plan line {}", line.line)));
  }
  if (plan.targets.empty()) return fail(ErrorCode::usage, "plan: 'target' is missing");
  return plan;
}

std::string CapturePlan::to_text() const {
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  add("version", std::to_string(kPlanVersion));
  for (const auto& target : targets)
    add("target", fmt::format("{} {} {}", target.uuid, target.filesystem, target.path));
  for (const auto& key : keys()) {
    if (!key.travels) continue;
    for (const auto& value : key.get(*this)) {
      if (!value.empty()) add(fmt::format("{}.{}", key.section, key.name), value);
    }
  }
  add("dump.copy_elf", copy_elf ? "yes" : "no");
  for (const auto& identity : watchdogs) add("watchdog.running", identity);
  for (const auto& module : modules) add("module", module);
  if (!shell.empty()) add("shell", shell);
  return text;
}

}  // namespace lifeboat
