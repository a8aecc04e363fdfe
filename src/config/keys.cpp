// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/keys.h"

#include "src/base/duration.h"
#include "src/base/text.h"
#include "src/config/values.h"

namespace lifeboat::config {
namespace {

using Values = std::vector<std::string>;

// A key with one value. `Field` leads from a Config to where it is kept; an empty value is for Parse to
// judge.
template <auto Parse, auto Field>
constexpr Key scalar(std::string_view section, std::string_view name) {
  return {.section = section,
          .name = name,
          .set = [](Config& config, std::string_view value) -> Result<> {
            Field(config) = TRY(Parse(value));
            return {};
          },
          .get = [](const Config& config) -> Values { return {show(Field(config))}; }};
}

// A key whose empty value means: not set.
template <auto Parse, auto Field>
constexpr Key optional(std::string_view section, std::string_view name) {
  return {.section = section,
          .name = name,
          .set = [](Config& config, std::string_view value) -> Result<> {
            auto& field = Field(config);
            field = {};
            if (!value.empty()) field = TRY(Parse(value));
            return {};
          },
          .get = [](const Config& config) -> Values {
            const auto& field = Field(config);
            if constexpr (requires { field.has_value(); }) {
              return field ? Values{show(*field)} : Values{""};
            } else {
              return {show(field)};
            }
          }};
}

template <auto Parse, auto Field>
constexpr Key list(std::string_view section, std::string_view name) {
  return {.section = section,
          .name = name,
          .set = [](Config& config, std::string_view value) -> Result<> {
            if (value.empty()) {
              Field(config).clear();
            } else {
              Field(config).push_back(TRY(Parse(value)));
            }
            return {};
          },
          .get = [](const Config& config) -> Values { return Field(config); },
          .list = true};
}

constexpr Key kKeys[] = {
    scalar<parse_levels, [](auto& c) -> auto& { return c.levels; }>("dump", "level"),
    scalar<parse_compression_choice, [](auto& c) -> auto& { return c.compression; }>("dump", "compression"),

    optional<parse_path, [](auto& c) -> auto& { return c.capture.kernel; }>("capture", "kernel"),
    scalar<parse_line, [](auto& c) -> auto& { return c.capture.append; }>("capture", "append"),
    list<parse_name, [](auto& c) -> auto& { return c.capture.remove; }>("capture", "remove"),
    scalar<parse_duration, [](auto& c) -> auto& { return c.capture.device_deadline; }>("capture",
                                                                                       "device_deadline"),
    scalar<parse_duration, [](auto& c) -> auto& { return c.capture.stall_deadline; }>("capture",
                                                                                      "stall_deadline"),
    scalar<parse_duration, [](auto& c) -> auto& { return c.capture.deadline; }>("capture", "deadline"),
    list<parse_path, [](auto& c) -> auto& { return c.capture.hooks_before; }>("capture", "hook_before"),
    list<parse_path, [](auto& c) -> auto& { return c.capture.hooks_after; }>("capture", "hook_after"),
    scalar<parse_duration, [](auto& c) -> auto& { return c.capture.hook_deadline; }>("capture",
                                                                                     "hook_deadline"),
    list<parse_path, [](auto& c) -> auto& { return c.capture.files; }>("capture", "file"),
    list<parse_name, [](auto& c) -> auto& { return c.capture.modules; }>("capture", "module"),
    scalar<parse_bool, [](auto& c) -> auto& { return c.capture.report; }>("capture", "report"),
    scalar<parse_bool, [](auto& c) -> auto& { return c.capture.watchdog; }>("capture", "watchdog"),

    scalar<parse_final_action, [](auto& c) -> auto& { return c.failure_action; }>("failure", "action"),
    scalar<parse_final_action, [](auto& c) -> auto& { return c.final_action; }>("final", "action"),

    optional<parse_count, [](auto& c) -> auto& { return c.retention.keep; }>("retention", "keep"),
    optional<parse_amount, [](auto& c) -> auto& { return c.retention.max_size; }>("retention", "max_size"),
    optional<parse_amount, [](auto& c) -> auto& { return c.retention.min_free; }>("retention", "min_free"),

    scalar<parse_bool, [](auto& c) -> auto& { return c.collect.report; }>("collect", "report"),
    scalar<parse_bool, [](auto& c) -> auto& { return c.collect.pstore; }>("collect", "pstore"),
    scalar<parse_bool, [](auto& c) -> auto& { return c.collect.notice; }>("collect", "notice"),
    optional<parse_path, [](auto& c) -> auto& { return c.collect.command; }>("collect", "command"),
};

Result<> set_device(TargetEntry& target, std::string_view value) {
  for (const std::string_view prefix : {"UUID=", "LABEL=", "/dev/"}) {
    if (value.starts_with(prefix) && value.size() > prefix.size()) {
      target.device = value;
      return {};
    }
  }
  return fail(ErrorCode::usage, "'{}' is none of UUID=..., LABEL=..., /dev/...", value);
}

constexpr TargetKey kTargetKeys[] = {
    {"path",
     [](TargetEntry& target, std::string_view value) -> Result<> {
       target.path = TRY(parse_path(value));
       return {};
     },
     [](const TargetEntry& target) { return target.path; }},
    {"device", set_device, [](const TargetEntry& target) { return target.device; }},
    {"filesystem",
     [](TargetEntry& target, std::string_view value) -> Result<> {
       target.filesystem = TRY(parse_name(value));
       return {};
     },
     [](const TargetEntry& target) { return target.filesystem; }},
};

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}

std::span<const TargetKey> target_keys() {
  return kTargetKeys;
}

}  // namespace lifeboat::config
