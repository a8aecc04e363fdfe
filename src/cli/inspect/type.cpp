// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/cli/inspect/view.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Btf& btf, TypeId type, const std::string& declaration) {
  const auto size = btf.size_of(type);
  ordered_json document = {{"name", btf.name_of(type)},
                           {"size", size ? ordered_json(*size) : ordered_json()},
                           {"declaration", declaration}};
  const auto members = btf.members(type);
  if (!members) return document;
  ordered_json list = ordered_json::array();
  for (const auto& member : *members) {
    ordered_json entry = {
        {"name", member.name}, {"type", btf.name_of(member.type)}, {"offset", member.bit_offset / 8}};
    if (member.bit_size != 0) {
      entry["bit_offset"] = member.bit_offset % 8;
      entry["bit_size"] = member.bit_size;
    }
    list.push_back(std::move(entry));
  }
  document["members"] = std::move(list);
  return document;
}

}  // namespace

Result<int> view_type(const View& view) {
  // "struct task_struct" needs no quotes.
  TRY_VOID(view.expect_arguments("type", 1, 8));
  std::string name;
  for (const auto& word : view.arguments) name += (name.empty() ? "" : " ") + word;
  if (!view.session.types()) return std::unexpected(view.session.types().error());
  const Btf& btf = view.session.types()->btf();
  const TypeId type = TRY(btf.parse_type_name(name));
  const std::string declaration = TRY(btf.declaration(type));
  if (view.json()) {
    view.print(to_json(btf, type, declaration));
  } else {
    std::cout << declaration;
  }
  return kDone;
}

}  // namespace lifeboat::cli
