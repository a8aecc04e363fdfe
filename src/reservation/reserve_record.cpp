// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/reserve_record.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "src/reservation/crashkernel_parameters.h"

namespace lifeboat::reservation {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRecord = "var/lib/lifeboat/reserve.json";

std::string record_path(const std::string& root) {
  return std::filesystem::path(root) / kRecord;
}

}  // namespace

bool ReserveRecord::is_ours(const std::string& parameter) const {
  return std::ranges::any_of(values, [&](const std::string& value) {
    const auto parameters = parameters_of(value);
    return std::ranges::find(parameters, parameter) != parameters.end();
  });
}

void ReserveRecord::set(const std::string& value) {
  removed = value.empty();
  if (removed) return;
  std::erase(values, value);
  values.push_back(value);
}

ReserveRecord parse_record(const std::optional<std::string>& text) {
  ReserveRecord record;
  if (!text) return record;
  const Json json = Json::parse(*text, nullptr, false);
  try {
    record.values = json.at("values").get<std::vector<std::string>>();
    for (const auto& [place, words] : json.at("replaced").items())
      record.replaced[place] = words.get<std::vector<std::string>>();
    // Not in records of the first version.
    record.boot_loader = json.value("boot_loader", std::string());
    record.pending = json.value("pending", std::vector<std::string>());
    record.removed = json.value("removed", false);
  } catch (const Json::exception&) {
    return {};
  }
  return record;
}

std::string record_text(const ReserveRecord& record) {
  Json json = {{"values", record.values}, {"replaced", record.replaced}};
  if (!record.boot_loader.empty()) json["boot_loader"] = record.boot_loader;
  if (!record.pending.empty()) json["pending"] = record.pending;
  if (record.removed) json["removed"] = true;
  return json.dump(2) + "\n";
}

ReserveRecord read_record(const std::string& root) {
  const auto text = read_if_there(record_path(root));
  return parse_record(text.value_or(std::nullopt));
}

Result<FileEdit> record_edit(const std::string& root) {
  FileEdit edit{.path = record_path(root), .own_record = true};
  edit.before = TRY(read_if_there(edit.path));
  return edit;
}

std::optional<std::string> remembered_value(const std::string& root) {
  const ReserveRecord record = read_record(root);
  if (record.values.empty() || record.removed) return std::nullopt;
  return record.values.back();
}

}  // namespace lifeboat::reservation
